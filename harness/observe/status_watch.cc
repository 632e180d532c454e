#include "harness/observe/status_watch.h"

#include <utility>

namespace hydrapool::harness {

void Recovery::Look(const PoolStatus& status) {
  ready_ = status.parent != 0 && status.workers.size() >= workers_;
  answered_ = true;
  for (const PoolStatus::Worker& worker : status.workers) {
    First& first = first_[worker.slot];
    if (first.incarnation != worker.incarnation) {
      first = {.incarnation = worker.incarnation, .requests = worker.requests};
      renewed_ = true;
    }
    ready_ &= worker.ready;
    answered_ &= worker.answered_age || worker.requests > first.requests;
  }
}

StatusWatch::StatusWatch(std::string admin, const Pace& pace)
    : admin_(std::move(admin)), pace_(pace), plan_({.close = pace.status, .seldom = pace.calm}) {}

bool StatusWatch::Stir(Stirred by) {
  const std::lock_guard lock(mutex_);
  const sys::Nanos now = sys::Now();
  plan_.Stir(now);
  recovery_.Stir();
  closely_ |= by != Stirred::kByWorkersEnd;
  if (stirred_ == 0) stirred_ = now;
  return closely_ || !tells_ages_;
}

sys::Nanos StatusWatch::Due() const {
  const std::lock_guard lock(mutex_);
  if (!plan_.IsClose(sys::Now())) return looked_ + pace_.calm;
  const bool only_answers = recovery_.all_ready() && stirred_ == 0;
  const sys::Nanos close = only_answers ? pace_.answers : pace_.status;
  return (stirred_ != 0 ? stirred_ : looked_) + (tells_ages_ && !closely_ ? pace_.told : close);
}

sys::Result<StatusWatch::Seen> StatusWatch::Look(std::chrono::milliseconds patience) {
  const sys::Nanos begun = sys::Now();
  auto status = FetchStatus(admin_, patience);
  const bool calm = Take(status, begun);
  if (!status) return tl::unexpected(status.error());
  return Seen{.status = std::move(*status), .calm = calm};
}

bool StatusWatch::Take(const sys::Result<PoolStatus>& status, sys::Nanos begun) {
  const std::lock_guard lock(mutex_);
  const sys::Nanos now = sys::Now();
  if (!samples_.empty() && samples_.back().at >= begun) return false;
  looked_ = begun;
  if (stirred_ <= begun) stirred_ = 0;
  if (!status) {
    closely_ = true;
    plan_.Note(false);
    return !plan_.IsClose(now);
  }
  recovery_.Look(*status);
  plan_.Note(recovery_.complete());
  if (recovery_.complete() && recovery_.renewed()) plan_.Settle();
  if (!plan_.IsClose(now)) {
    recovery_.Settle(*status);
    closely_ = false;
  }
  tells_ages_ |= status->TellsAges();
  samples_.push_back({.at = now, .workers = status->workers, .main = status->main, .parent = status->parent});
  return recovery_.all_ready() || !plan_.IsClose(now);
}

std::vector<StatusSample> StatusWatch::TakeSamples() {
  const std::lock_guard lock(mutex_);
  return std::move(samples_);
}

}  // namespace hydrapool::harness
