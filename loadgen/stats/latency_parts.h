#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "loadgen/stats/latency_histogram.h"
#include "loadgen/stats/outcome.h"

namespace hydrapool::loadgen {

/// A run's latencies once more, by what became of the request: so that no reader takes the speed of a refusal
/// for that of an answer.
///
///     parts.Record(Outcome::kRefused, 0, response_us, service_us);
///     parts.OkOf(tally.latency.response)          // the answers that were ok, alone
///
/// What is ok is kept by status only; the rest by outcome too. A value that merges, in constant memory: a
/// histogram for each outcome and for the first kMostStatuses statuses. Not for several threads.
struct LatencyParts {
  static constexpr std::size_t kMostStatuses = 16;

  /// Of requests that were not ok: failed, a bad answer, or in flight at the end (with the age they had).
  LatencyHistogram not_ok_response = {};
  LatencyHistogram not_ok_service = {};
  std::map<Outcome, LatencyHistogram> by_outcome = {};  ///< response; without kOk
  std::map<int, LatencyHistogram> by_status = {};       ///< response, of completed requests

  /// `status` counts where the outcome is a completed one.
  void Record(Outcome outcome, int status, std::int64_t response_us, std::int64_t service_us);
  void RecordInFlight(std::int64_t response_us, std::int64_t service_us);
  void Merge(const LatencyParts& other);

  /// Of all response latencies those of ok answers.
  [[nodiscard]] LatencyHistogram OkOf(const LatencyHistogram& response) const {
    return response.Since(not_ok_response);
  }

  [[nodiscard]] bool operator==(const LatencyParts& other) const = default;
};

}  // namespace hydrapool::loadgen
