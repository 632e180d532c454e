#pragma once

#include <string>
#include <variant>

#include "loadgen/command/distinct_files.h"
#include "loadgen/command/output_options.h"
#include "loadgen/command/trial_options.h"
#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace CLI {
class App;
}

namespace hydrapool::loadgen {

/// The command line, understood.
struct Options {
  Plan plan;
  std::string engine = "auto";
  Outputs outputs;
  Trial trial = {};
  DistinctFiles files = {};  ///< Knows those that were read.
};

/// What the command line asks for: a run, a text to print (--help, --version), or it is wrong (one line says
/// how).
using CommandLine = std::variant<Options, std::string, sys::Error>;

/// The flag that says what sends.
void AddEngine(CLI::App& app, std::string& engine);

/// Reads the command line and the files it names (plan_options.h, output_options.h). `cores` is how many
/// threads are worth having. URLs are checked, those without a scheme become http.
CommandLine ParseCommandLine(int argc, const char* const* argv, int cores);

}  // namespace hydrapool::loadgen
