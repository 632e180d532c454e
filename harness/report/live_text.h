#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "harness/fault/targets.h"
#include "harness/observe/run_record.h"
#include "pool/sys/clock.h"

namespace hydrapool::harness {

/// A run as it is now.
struct Progress {
  sys::Nanos elapsed = 0;
  sys::Nanos duration = 0;
  ServerProcesses server = {};  ///< Nobody: it cannot be seen at the moment.
  std::uint64_t landed = 0;     ///< Faults.
  std::uint64_t missed = 0;
  std::string last_fault = {};                       ///< "kill of pid 4711: dead"
  std::map<FailureKind, std::uint64_t> failed = {};  ///< Requests of loadgen's, so far.
  std::optional<std::int64_t> allowed = {};          ///< How many may be lost or cut, where that was said.
};

/// Some lines for a terminal: how far the run is, the workers, the faults, and what is left of the failures
/// that are allowed. No line is longer than `columns`, so that each takes one of the screen's. Pure.
[[nodiscard]] std::string LiveText(const Progress& progress, std::size_t columns);

}  // namespace hydrapool::harness
