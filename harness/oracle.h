#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/run_record.h"

namespace harness {

/// Which of `faults` accounts for a failed request: an index, or nullopt, which makes it unexplained.
///
/// A fault reaches from its signal until 100 ms after the death, or until its replacement is ready where that
/// is later (a worker that survives: until the run's end). It accounts for a request that was on its way
/// within that time, if the request's worker is not known or is the fault's. Of several the latest is taken.
/// A request that was refused by status is never accounted for. With faults less than 100 ms apart nearly
/// every moment is some fault's: then only a run without faults shows what fails of itself. Pure.
[[nodiscard]] std::optional<std::size_t> Explain(const Failure& failure, std::span<const FaultRecord> faults);

/// What one fault cost.
struct Damage {
  std::uint64_t lost = 0;
  std::uint64_t cut = 0;
  std::uint64_t abandoned = 0;
};

struct Attribution {
  std::vector<Damage> by_fault;          ///< As `faults`.
  std::vector<std::size_t> unexplained;  ///< Indices of `failures`.
};
[[nodiscard]] Attribution Attribute(std::span<const Failure> failures, std::span<const FaultRecord> faults);

}  // namespace harness
