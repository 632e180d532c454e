#include "loadgen/stats/tally.h"

#include <algorithm>

namespace hydrapool::loadgen {
namespace {

std::int64_t Micros(sys::Nanos from, sys::Nanos to) {
  return (to - from + sys::kMicrosecond / 2) / sys::kMicrosecond;
}

}  // namespace

void Tally::Timing::Merge(const Timing& other) {
  last_sent = std::max(last_sent, other.last_sent);
  completed_at_last_sent += other.completed_at_last_sent;
  last_end = std::max(last_end, other.last_end);
  longest_pause = std::max(longest_pause, other.longest_pause);
}

void Tally::Latencies::Merge(const Latencies& other) {
  response.Merge(other.response);
  service.Merge(other.service);
  lag.Merge(other.lag);
  own_lag.Merge(other.own_lag);
}

void Tally::Sent(const Attempt& attempt, bool in_time) {
  ++sent;
  if (!one_target) targets.Sent(attempt.url);
  if (attempt.follows) {
    ++follow_ups;
  } else if (in_time) {
    ++sent_in_time;
  }
  timing.last_sent = std::max(timing.last_sent, attempt.sent);
  timing.completed_at_last_sent = outcomes.completed();
  latency.lag.Record(Micros(attempt.due, attempt.sent));
  latency.own_lag.Record(Micros(std::max(attempt.due, attempt.free_since), attempt.sent));
}

void Tally::Finished(const Attempt& attempt, const Result& result) {
  outcomes.Add(result.outcome);
  if (!attempt.follows && NeverLeft(result.outcome)) ++begun_never_left;
  if (!result.detail.empty()) outcomes.Explain(result.outcome, result.detail);
  bytes_received += result.bytes;
  timing.last_end = std::max(timing.last_end, result.end);
  latency.response.Record(Micros(attempt.due, result.end));
  latency.service.Record(Micros(attempt.sent, result.end));
  parts.Record(result.outcome, result.status, Micros(attempt.due, result.end),
               Micros(attempt.sent, result.end));
  if (!one_target) targets.Finished(attempt.url, result.outcome, Micros(attempt.due, result.end));
  if (Completed(result.outcome)) ++status[result.status];
  if (!result.head.empty()) Keep(first_responses, result.status, result.head, result.body);
  if (!result.worker.empty()) {
    auto& worker = CountsOf(workers, SlotOf(result.worker));
    if (Completed(result.outcome)) ++worker.requests;
    if (result.outcome != Outcome::kOk) ++worker.errors;
    if (workers.size() <= kMaxTimedWorkers || worker.service.count() > 0)
      worker.service.Record(Micros(attempt.sent, result.end));
  }
  CountPhases(attempt.url, result);
}

void Tally::CountPhases(std::size_t url, const Result& result) {
  const auto& took = result.phases;
  const auto count = [&](std::size_t phase, sys::Nanos time) {
    phases[phase].Record(Micros(0, time));
    if (!one_target) targets.Took(url, phase, Micros(0, time));
  };
  if (took.connect > 0) count(0, took.connect);
  if (took.tls > 0) count(1, took.tls);
  if (took.first_byte > 0) count(2, took.first_byte);
  if (Completed(result.outcome)) count(3, took.body);
}

void Tally::InFlightAtEnd(const Attempt& attempt, sys::Nanos now) {
  ++in_flight_at_end;
  latency.response.Record(Micros(attempt.due, now));
  latency.service.Record(Micros(attempt.sent, now));
  if (!one_target) targets.InFlight(attempt.url, Micros(attempt.due, now));
  parts.RecordInFlight(Micros(attempt.due, now), Micros(attempt.sent, now));
}

void Tally::CloseOneTarget() {
  auto& whole = targets.At(0);
  whole = {.sent = sent,
           .completed = outcomes.completed(),
           .ok = outcomes.of(Outcome::kOk),
           .response = latency.response,
           .not_ok_response = parts.not_ok_response};
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (outcome != Outcome::kOk && outcomes.of(outcome) > 0) whole.errors[outcome] = outcomes.of(outcome);
  }
  for (std::size_t i = 0; i < kPhases; ++i)
    whole.phases[i] = {.count = phases[i].count(),
                       .sum = static_cast<std::int64_t>(phases[i].sum()),
                       .max = phases[i].max()};
}

void Tally::Merge(const Tally& other) {
  sent += other.sent;
  sent_in_time += other.sent_in_time;
  begun_never_left += other.begun_never_left;
  follow_ups += other.follow_ups;
  sessions.Merge(other.sessions);
  for (const auto& [code, response] : other.first_responses)
    Keep(first_responses, code, response.head, response.body);
  in_flight_at_end += other.in_flight_at_end;
  saturated += other.saturated;
  bytes_received += other.bytes_received;
  timing.Merge(other.timing);
  connections.Merge(other.connections);
  latency.Merge(other.latency);
  parts.Merge(other.parts);
  for (std::size_t i = 0; i < kPhases; ++i) phases[i].Merge(other.phases[i]);
  targets.Merge(other.targets);
  for (const auto& [code, n] : other.status) status[code] += n;
  for (const auto& [slot, n] : other.workers) {
    auto& worker = CountsOf(workers, slot);
    worker.requests += n.requests;
    worker.errors += n.errors;
    worker.service.Merge(n.service);
  }
  outcomes.Merge(other.outcomes);
}

}  // namespace hydrapool::loadgen
