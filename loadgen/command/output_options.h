#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loadgen/report/report_summary.h"
#include "loadgen/report/slo.h"
#include "loadgen/report/until.h"
#include "pool/sys/error.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace hydrapool::loadgen {

/// Where a run's results go, and what they must be. Paths: "-" is standard output, empty is none.
struct Outputs {
  std::string json = {};
  std::string csv = {};
  std::string hdr_log = {};
  std::string hgrm = {};
  std::string html = {};
  std::string summary = {};
  std::string junit = {};
  std::string faults = {};   ///< Read after the run: the journal of faults that --html shades.
  std::string journal = {};  ///< Not "-".
  std::vector<Slo> slos = {};
  std::vector<Slo> abort_on = {};
  std::optional<Until> until = {};
  std::optional<CiSystem> annotate = {};  ///< nullopt: nobody reads annotations.
  std::string metrics = {};               ///< HOST:PORT; empty: none.
  bool quiet = false;
};

/// The flags that say what is shown and written. As PlanOptions.
class OutputOptions {
 public:
  /// Those of a run.
  void AddTo(CLI::App& app);
  /// Those that make sense of a run that is over: which files, what must hold.
  void AddForMerge(CLI::App& app);
  /// Those of a series of runs.
  void AddForSearch(CLI::App& app);
  [[nodiscard]] sys::Result<Outputs> Understand() const;

 private:
  void AddObjectives(CLI::App& app);
  CLI::Option* AddPages(CLI::App& app);  // that of --html
  void AddPaths(CLI::App& app);
  void AddForCi(CLI::App& app);
  void AddQuiet(CLI::App& app);

  Outputs outputs_;  // but for the objectives
  std::vector<std::string> slos_;
  std::vector<std::string> abort_on_;
  std::string until_;
  std::string annotate_ = "auto";
};

}  // namespace hydrapool::loadgen
