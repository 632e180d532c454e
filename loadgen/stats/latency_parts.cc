#include "loadgen/stats/latency_parts.h"

namespace hydrapool::loadgen {

void LatencyParts::Record(Outcome outcome, int status, std::int64_t response_us, std::int64_t service_us) {
  if (Completed(outcome) && (by_status.size() < kMostStatuses || by_status.contains(status)))
    by_status[status].Record(response_us);
  if (outcome == Outcome::kOk) return;
  by_outcome[outcome].Record(response_us);
  RecordInFlight(response_us, service_us);
}

void LatencyParts::RecordInFlight(std::int64_t response_us, std::int64_t service_us) {
  not_ok_response.Record(response_us);
  not_ok_service.Record(service_us);
}

void LatencyParts::Merge(const LatencyParts& other) {
  not_ok_response.Merge(other.not_ok_response);
  not_ok_service.Merge(other.not_ok_service);
  for (const auto& [outcome, histogram] : other.by_outcome) by_outcome[outcome].Merge(histogram);
  for (const auto& [status, histogram] : other.by_status) {
    if (by_status.size() < kMostStatuses || by_status.contains(status)) by_status[status].Merge(histogram);
  }
}

}  // namespace hydrapool::loadgen
