#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "loadgen/stats/latency_histogram.h"

namespace hydrapool::loadgen {

/// What one worker of the server did, as its header names it.
struct WorkerCounts {
  std::uint64_t requests = 0;  ///< completed
  std::uint64_t errors = 0;    ///< Named it and were not ok, completed or not.
  LatencyHistogram service = {};
  [[nodiscard]] bool operator==(const WorkerCounts& other) const = default;
};

/// By slot. Memory is constant: the first kMaxWorkers values of the header have counts of their own, all
/// others together those of kOtherWorkers; the first kMaxTimedWorkers have a histogram.
using WorkersBySlot = std::map<std::string, WorkerCounts, std::less<>>;
inline constexpr std::size_t kMaxWorkers = 1024;
inline constexpr std::size_t kMaxTimedWorkers = 64;
inline constexpr std::string_view kOtherWorkers = "other";

/// Where a slot is counted.
WorkerCounts& CountsOf(WorkersBySlot& workers, std::string_view slot);

/// The slot of a worker header's value: "3" of "3.17" (slot 3 in its 17th life), the whole value where there
/// is no dot.
std::string_view SlotOf(std::string_view worker);

}  // namespace hydrapool::loadgen
