#include "loadgen/stats/recorder.h"

#include <algorithm>

#include "loadgen/plan/text_template.h"

namespace hydrapool::loadgen {
namespace {

constexpr sys::Nanos kGrace = 10 * sys::kMillisecond;

/// For a counter that only this thread writes.
void Increment(std::atomic<std::uint64_t>& counter) {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

void Recorder::Sent(const Attempt& attempt) {
  if (attempt.due < start_) {
    ++warmed_up_;
    return;
  }
  if (cutter_.Due(attempt.sent)) Tell(attempt.sent);
  tally_.Sent(attempt, attempt.sent - kGrace <= planned_end_);
  Increment(live_.sent);
}

void Recorder::Finished(const Attempt& attempt, const Result& result) {
  if (attempt.due < start_) return;
  if (cutter_.Due(result.end)) Tell(result.end);
  tally_.Finished(attempt, result);
  Increment(live_.outcomes[static_cast<std::size_t>(result.outcome)]);
  if (result.outcome != Outcome::kOk && journal_ != nullptr) {
    journal_->Write(start_, Url(attempt), Name(result.outcome), attempt, result);
  }
}

void Recorder::InFlightAtEnd(const Attempt& attempt, sys::Nanos now, int local_port) {
  if (attempt.due < start_) return;
  if (cutter_.Due(now)) Tell(now);
  tally_.InFlightAtEnd(attempt, now);
  if (journal_ != nullptr) {
    journal_->Write(start_, Url(attempt), "in_flight_at_end", attempt,
                    {.end = now, .local_port = local_port});
  }
}

void Recorder::Saturated(std::uint64_t n) {
  tally_.saturated += n;
  if (plan_.arrivals.saturate == Saturate::kDrop)
    live_.dropped.store(tally_.saturated, std::memory_order_relaxed);
}

void Recorder::Tell(sys::Nanos now) {
  // A thread may send to one of several URLs only, and is not to take it for the whole run.
  if (plan_.targets.size() > 1) tally_.targets.At(std::min(plan_.targets.size(), TargetList::kMostTimed) - 1);
  const std::lock_guard lock(told_mutex_);
  cutter_.Cut(tally_, now, told_.series);
  for (const auto& [slot, worker] : tally_.workers) told_.workers[slot] = worker.requests;
}

void Recorder::SessionCompleted(sys::Nanos due, sys::Nanos now) {
  if (due < start_) return;
  ++tally_.sessions.complete;
  tally_.sessions.took.Record((now - due) / sys::kMicrosecond);
}

void Recorder::Finish() {
  Tell(std::max(tally_.timing.last_end, start_));
  if (tally_.one_target) tally_.CloseOneTarget();
}

Told Recorder::TakeTold() {
  const std::lock_guard lock(told_mutex_);
  return {.series = told_.series.Take(), .workers = told_.workers};
}

std::string Recorder::Url(const Attempt& attempt) const {
  std::string url;
  TextTemplate(plan_.targets[attempt.url].url, plan_.lines).Expand(plan_.seed, attempt.turn, url);
  return url;
}

}  // namespace hydrapool::loadgen
