#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// A fault while a run was going on, to be shaded in its plots.
struct FaultSpan {
  double from_s = 0;  ///< Since the start of the run.
  double to_s = 0;    ///< When the process was dead; `from_s` where it did not die.
  std::string label;  ///< "kill of slot 2 (pid 4242)"
};

/// Reads the journal of faults that `harness inject --journal` writes: a JSON object a line, of which
/// `unix_ms`, `fault`, `outcome` and, where present, `slot`, `pid` and `dead_us` matter. Faults that were
/// missed, or were outside the run, are left out. The error names the line. Pure.
[[nodiscard]] sys::Result<std::vector<FaultSpan>> ParseFaults(std::string_view journal,
                                                              std::int64_t start_unix_ms, double duration_s);

}  // namespace hydrapool::loadgen
