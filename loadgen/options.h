#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "loadgen/plan.h"
#include "loadgen/slo.h"
#include "pool/sys/error.h"

namespace loadgen {

/// The command line, understood.
struct Options {
  Plan plan;
  std::string engine = "auto";
  std::string json;     ///< A path, "-" for standard output, empty for none.
  std::string journal;  ///< A path, empty for none.
  std::vector<Slo> slos;
  bool quiet = false;
};

/// What the command line asks for: a run, a text to print (--help, --version), or it is wrong (one line says
/// how).
using CommandLine = std::variant<Options, std::string, sys::Error>;

/// Reads the command line and the file of `--data @FILE`. `cores` is how many threads are worth having. URLs
/// are checked, those without a scheme become http.
CommandLine ParseCommandLine(int argc, const char* const* argv, int cores);

}  // namespace loadgen
