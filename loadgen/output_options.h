#pragma once

#include <string>
#include <vector>

#include "loadgen/slo.h"
#include "pool/sys/error.h"

namespace CLI {
class App;
}

namespace loadgen {

/// Where a run's results go, and what they must be.
struct Outputs {
  std::string json;     ///< A path, "-" for standard output, empty for none.
  std::string journal;  ///< A path, empty for none.
  std::vector<Slo> slos;
  bool quiet = false;
};

/// The flags that say what is shown and written. As PlanOptions.
class OutputOptions {
 public:
  void AddTo(CLI::App& app);
  [[nodiscard]] sys::Result<Outputs> Understand() const;

 private:
  Outputs outputs_;  // but for the objectives
  std::vector<std::string> slos_;
};

}  // namespace loadgen
