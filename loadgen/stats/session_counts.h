#pragma once

#include <cstdint>

#include "loadgen/stats/latency_histogram.h"

namespace hydrapool::loadgen {

/// What became of a run's sessions (plan/scenario.h): begun = complete + failed + cut. A value that merges.
struct SessionCounts {
  std::uint64_t begun = 0;
  std::uint64_t complete = 0;
  std::uint64_t failed = 0;  ///< A request of theirs was not ok, which ended them.
  std::uint64_t cut = 0;     ///< By the end of the run.
  /// From when a session was due to the end of its last response, with its think times; of complete ones.
  LatencyHistogram took = {};

  void Merge(const SessionCounts& other);
};

}  // namespace hydrapool::loadgen
