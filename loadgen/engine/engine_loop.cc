#include "loadgen/engine/engine_loop.h"

#include <sys/resource.h>

#include <algorithm>

namespace hydrapool::loadgen {

namespace {

constexpr rlim_t kOtherDescriptors = 64;
/// It wakes up at least so often, to know when it was kept from it.
constexpr sys::Nanos kLongestSleep = 50 * sys::kMillisecond;

/// Between two tries to make a connection, in a closed loop.
constexpr sys::Nanos kRest = 10 * sys::kMillisecond;

constexpr rlim_t kMostDescriptors = 1'000'000;
constexpr int kMostSentAtOnce = 64;
/// Over HTTP/2 a request costs a place in a buffer, and what a connection got within a round leaves in one
/// call.
constexpr int kMostStreamsAtOnce = 256;
/// So many it may become for the last of these connections to be as full as it can.
constexpr int kMostToFillUp = 1024;

/// How many descriptors there are beside those that are needed for other things.
rlim_t Descriptors(rlim_t others) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return std::min(limit.rlim_cur > others ? limit.rlim_cur - others : 0, kMostDescriptors);
}

/// How many connections one thread of the plan's may make beside those planned.
int FurtherConnections(const Plan& plan) {
  if (plan.arrivals.saturate != Saturate::kOpen) return 0;
  return static_cast<int>(Descriptors(kOtherDescriptors + static_cast<rlim_t>(plan.connections))) /
         plan.threads;
}

}  // namespace

EngineLoop::EngineLoop(const Plan& plan, const StopSignal& stop)
    : plan_(plan),
      sources_(plan.wire.bind),
      stop_(stop),
      open_loop_(plan.arrivals.rate.has_value()),
      may_add_(FurtherConnections(plan)) {
  poller_.Want(stop.fd(), EPOLLIN);
}

int EngineLoop::FirstOf(int connections) {
  if (plan_.arrivals.ramp == 0) return connections;
  of_ramp_ = connections - 1;
  return 1;
}

sys::Nanos EngineLoop::NextOfRamp() const {
  if (ramped_ == of_ramp_) return Agenda::kNever;
  return agenda_->start() + plan_.arrivals.ramp / of_ramp_ * (ramped_ + 1);
}

void EngineLoop::AddRamp(sys::Nanos now) {
  for (auto due = NextOfRamp(); due <= now; due = NextOfRamp()) {
    AddConnection(due);
    ++ramped_;
  }
}

bool EngineLoop::RestsAfter(const Attempt& attempt, const Result& result) {
  if (open_loop_ || !NeverConnected(result.outcome) || result.end - attempt.sent >= kRest) return false;
  resting_.push_back(result.end + kRest);
  return true;
}

void EngineLoop::EndRests(sys::Nanos now) {
  while (!resting_.empty() && resting_.front() <= now) {
    EndRest(resting_.front());
    resting_.pop_front();
  }
}

std::size_t EngineLoop::DescriptorsOfAThread(const Plan& plan) {
  return Descriptors(kOtherDescriptors) / static_cast<rlim_t>(plan.threads);
}

void EngineLoop::Run(Agenda& agenda, Recorder& recorder) {
  agenda_ = &agenda;
  recorder_ = &recorder;
  SendAndWait();
  CountNeverSent();
  CountOpen(sys::Now());
  recorder_->Connections(counts_);
}

void EngineLoop::SendAndWait() {
  while (true) {
    ObeyStop();
    SendDue();
    const sys::Nanos now = sys::Now();
    NotePause(now);
    ExpireOverdue(now);
    if (Oldest() == nullptr && NothingLeft(now) && !HasUnfinished(now)) return BeforeFree(now);
    if (now >= GiveUpAt()) {
      BeforeFree(now);
      return Abandon(now);
    }
    for (const auto& event : poller_.Wait(now, std::min(WakeAt(now), now + kLongestSleep))) {
      if (event.data.fd != stop_.fd()) OnEvents(event.data.fd, event.events);
    }
    OnWakeUp();
  }
}

void EngineLoop::ObeyStop() {
  if (stopped_ || !stop_.requested()) return;
  stopped_ = true;
  poller_.Ignore(stop_.fd());
  agenda_->Stop(sys::Now());
}

void EngineLoop::NotePause(sys::Nanos now) {
  if (awake_ != 0 && now - awake_ > 2 * kLongestSleep)
    recorder_->StoodStill(now, now - awake_ - kLongestSleep);
  awake_ = now;
}

void EngineLoop::SendDue() {
  const int most = plan_.wire.streams > 1 ? kMostStreamsAtOnce : kMostSentAtOnce;
  int sent = 0;
  for (; sent < most || (sent < kMostToFillUp && FillsUp()); ++sent) {
    const sys::Nanos now = sys::Now();
    AddRamp(now);
    EndRests(now);
    if (!HasFreeConnection()) {
      if (may_add_ == 0 || agenda_->NextDue() > now) break;
      --may_add_;
      saturated_until_ = now;
      AddConnection(now);
    }
    if (!SendNext(now)) break;
  }
  AfterSending(sent);
}

void EngineLoop::WasSaturated(sys::Nanos when) {
  if (plan_.arrivals.saturate == Saturate::kDrop) {
    recorder_->Saturated(agenda_->Skip(when));
  } else {
    saturated_until_ = when;
  }
}

void EngineLoop::CountNeverSent() {
  if (saturated_until_ < agenda_->end()) return;
  const auto& tally = recorder_->tally();
  const auto scheduled = agenda_->Scheduled();
  recorder_->Saturated(scheduled - std::min(scheduled, tally.sent - tally.follow_ups));
}

void EngineLoop::ExpireOverdue(sys::Nanos now) {
  for (const auto* oldest = Oldest(); oldest != nullptr && oldest->sent + plan_.wire.timeout <= now;
       oldest = Oldest()) {
    ExpireOldest(now);
  }
}

bool EngineLoop::NothingLeft(sys::Nanos now) const {
  return now >= agenda_->end() || agenda_->NextDue() == Agenda::kNever;
}

sys::Nanos EngineLoop::GiveUpAt() const {
  return agenda_->end() == Agenda::kNever ? Agenda::kNever : agenda_->end() + plan_.wire.drain;
}

sys::Nanos EngineLoop::WakeAt(sys::Nanos now) const {
  sys::Nanos wake = std::min({OwnDeadline(), GiveUpAt(), NextOfRamp()});
  if (!resting_.empty()) wake = std::min(wake, resting_.front());
  if (const auto* oldest = Oldest()) wake = std::min(wake, oldest->sent + plan_.wire.timeout);
  if ((HasFreeConnection() || may_add_ > 0) && now < agenda_->end()) {
    wake = std::min({wake, agenda_->NextDue(), agenda_->end()});
  }
  return wake;
}

}  // namespace hydrapool::loadgen
