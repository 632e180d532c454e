#pragma once

#include <span>
#include <vector>

#include "harness/observe/run_record.h"

namespace hydrapool::harness {

/// The clock of a machine that stands still at times: it stands still with it.
class RunningClock {
 public:
  /// In the order of their beginnings; no two overlap.
  explicit RunningClock(std::span<const Standstill> standstills);
  /// What it showed at `at`: that, less all standstill before.
  [[nodiscard]] sys::Nanos operator()(sys::Nanos at) const;
  [[nodiscard]] sys::Nanos stood_still() const;

 private:
  struct Stop {
    Standstill span;
    sys::Nanos before = 0;  ///< All standstill before it.
  };
  std::vector<Stop> stops_;
};

/// The same run with all its times by that clock: as short as they can have been for the server. The load
/// generators' percentiles, of which it is not known when they came to be, are less by all standstill.
[[nodiscard]] RunRecord OnRunningClock(RunRecord run);

}  // namespace hydrapool::harness
