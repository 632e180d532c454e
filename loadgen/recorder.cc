#include "loadgen/recorder.h"

#include "loadgen/url_template.h"

namespace loadgen {
namespace {

constexpr sys::Nanos kGrace = 10 * sys::kMillisecond;

/// For a counter that only this thread writes.
void Increment(std::atomic<std::uint64_t>& counter) {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

void Recorder::Sent(const Attempt& attempt) {
  tally_.Sent(attempt, attempt.sent - kGrace <= planned_end_);
  Increment(live_.sent);
}

void Recorder::Finished(const Attempt& attempt, const Result& result) {
  tally_.Finished(attempt, result);
  Increment(Completed(result.outcome) ? live_.completed : live_.failed);
  if (result.outcome == Outcome::kOk) {
    Increment(live_.ok);
  } else if (journal_ != nullptr) {
    journal_->Write(start_, Url(attempt), Name(result.outcome), attempt, result);
  }
}

void Recorder::InFlightAtEnd(const Attempt& attempt, sys::Nanos now, int local_port) {
  tally_.InFlightAtEnd(attempt, now);
  if (journal_ != nullptr) {
    journal_->Write(start_, Url(attempt), "in_flight_at_end", attempt,
                    {.end = now, .local_port = local_port});
  }
}

std::string Recorder::Url(const Attempt& attempt) const {
  std::string url;
  UrlTemplate(plan_.urls[attempt.url]).Expand(plan_.seed, attempt.turn, url);
  return url;
}

}  // namespace loadgen
