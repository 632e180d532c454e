#include "loadgen/engine/raw/session_engine.h"

#include <algorithm>

#include "loadgen/plan/pace.h"

namespace hydrapool::loadgen {
namespace {

constexpr int kMostSentAtOnce = 64;

}  // namespace

std::unique_ptr<Engine> SessionEngine::Make(const Plan& plan, int connections, const StopSignal& stop) {
  return std::make_unique<SessionEngine>(plan, connections, stop);
}

SessionEngine::SessionEngine(const Plan& plan, int connections, const StopSignal& stop)
    : RawEngine(plan, connections, stop), scenario_(*plan.scenario) {
  rules_.reserve(scenario_.requests.size());
  for (const auto& request : scenario_.requests) rules_.emplace_back(request);
}

bool SessionEngine::HasUnfinished(sys::Nanos now) const {
  return !scenario_.of_requests && now < agenda_->end() &&
         std::ranges::any_of(thinking_, [](const Slot& slot) { return slot.visit.session != nullptr; });
}

sys::Nanos SessionEngine::OwnDeadline() const {
  const auto own = RawEngine::OwnDeadline();
  return wake_ups_.empty() ? own : std::min(own, wake_ups_.top().first);
}

bool SessionEngine::SendNext(sys::Nanos now) {
  auto& from = ready_.empty() ? closed_ : ready_;
  auto& slot = ready_.empty() ? closed_.back() : ready_.front();
  auto& visit = slot.visit;
  const auto arrival = agenda_->Take(now, visit.free_since);
  if (!arrival) return false;
  CountSaturated(*arrival);
  if (visit.session == nullptr) {
    visit.session = &scenario_.sessions[scenario_.of_requests ? agenda_->BeginSession() : arrival->url];
    visit.step = 0;
    visit.turn = arrival->turn;
    visit.due = arrival->due;
    visit.values.assign(scenario_.variables.size(), {});
    recorder_->SessionBegan(visit.due);
  }
  SendStep(from, slot, arrival->due, now, false);
  return true;
}

void SessionEngine::SendStep(Slots& from, Slot& slot, sys::Nanos due, sys::Nanos now, bool follows) {
  auto& visit = slot.visit;
  const auto target = visit.session->steps[visit.step].index;
  ++visit.step;
  slot.connection.Keep(rules_[target].looks() ? StepRules::kMostOfResponse : 0);
  Send(from, slot,
       {.turn = visit.turn,
        .url = target,
        .due = due,
        .free_since = visit.free_since,
        .sent = now,
        .follows = follows},
       visit.values);
}

Result SessionEngine::Judge(Slot& slot, const Result& result) {
  auto judged = result;
  if (!Completed(result.outcome)) return judged;
  const auto target = slot.connection.attempt().url;
  const auto& rules = rules_[target];
  if (const auto expected = rules.Expects(result.status)) {
    if (!*expected) judged.outcome = Outcome::kBadStatus;
    if (*expected && result.outcome == Outcome::kBadStatus) {
      judged.outcome = Outcome::kOk;
      if (!judged.head.empty()) slot.connection.Untell(result.status);
      judged.head = {};
      judged.body = {};
    }
  }
  if (judged.outcome != Outcome::kOk || !rules.looks()) return judged;
  const auto response =
      ParseResponse(slot.connection.received(), requests_[target].raw.to_head(), StepRules::kMostOfBody);
  if (auto why = rules.Apply(response, slot.visit.values)) {
    detail_ = plan_.targets[target].name + ": " + *why;
    judged.outcome = Outcome::kWrongBody;
    judged.detail = detail_;
  }
  return judged;
}

void SessionEngine::Settle(Slot& slot, const Result& result) {
  auto& visit = slot.visit;
  const auto judged = Judge(slot, result);
  recorder_->Finished(slot.connection.attempt(), judged);
  slot.under_way = false;
  visit.free_since = judged.end;
  thinking_.splice(thinking_.end(), in_flight_, slot.self);
  if (judged.outcome == Outcome::kOk) return GoOn(slot, judged.end);
  recorder_->SessionFailed(visit.due);
  visit.session = nullptr;
  if (!RestsAfter(slot.connection.attempt(), judged)) return Free(slot, judged.end);
  resting_.splice(resting_.end(), thinking_, slot.self);
}

void SessionEngine::EndRest(sys::Nanos since) {
  auto& slot = resting_.front();
  slot.visit.free_since = since;
  closed_.splice(closed_.end(), resting_, slot.self);
}

/// To its next request, at once or after a think time, or to the session's end.
void SessionEngine::GoOn(Slot& slot, sys::Nanos now) {
  auto& visit = slot.visit;
  const auto& steps = visit.session->steps;
  visit.next_due = now;
  while (visit.step < steps.size() && steps[visit.step].think) {
    const auto random = Mix(Mix(plan_.seed, visit.turn), visit.step);
    visit.next_due += Draw(scenario_.thinks[steps[visit.step].index], random, Mix(random, 1));
    ++visit.step;
  }
  if (visit.step == steps.size()) {
    recorder_->SessionCompleted(visit.due, now);
    visit.session = nullptr;
  }
  if (visit.next_due == now && (visit.session == nullptr || scenario_.of_requests)) return Wake(slot, now);
  wake_ups_.emplace(visit.next_due, &slot);
}

/// What it waited for is due.
void SessionEngine::Wake(Slot& slot, sys::Nanos now) {
  auto& visit = slot.visit;
  if (visit.session == nullptr) {
    visit.free_since = visit.next_due;
    return Free(slot, visit.next_due);
  }
  if (!scenario_.of_requests) return SendStep(thinking_, slot, visit.next_due, now, true);
  BeforeFree(visit.next_due);
  visit.free_since = visit.next_due;
  ready_.splice(ready_.end(), thinking_, slot.self);
}

void SessionEngine::Free(Slot& slot, sys::Nanos now) {
  BeforeFree(now);
  closed_.splice(closed_.end(), thinking_, slot.self);
}

void SessionEngine::OnWakeUp() {
  RawEngine::OnWakeUp();
  for (int sent = 0; sent < kMostSentAtOnce && !wake_ups_.empty(); ++sent) {
    const sys::Nanos now = sys::Now();
    if (now >= agenda_->end()) wake_ups_ = {};
    if (wake_ups_.empty() || wake_ups_.top().first > now) return;
    auto& slot = *wake_ups_.top().second;
    wake_ups_.pop();
    Wake(slot, now);
  }
}

void SessionEngine::CountOpen(sys::Nanos now) {
  for (auto* slots : {&closed_, &thinking_, &ready_}) {
    for (auto& slot : *slots) {
      slot.connection.CountOpen(now);
      if (slot.visit.session != nullptr) recorder_->SessionCut(slot.visit.due);
    }
  }
  for (const auto& slot : in_flight_) recorder_->SessionCut(slot.visit.due);
  RawEngine::CountOpen(now);
}

}  // namespace hydrapool::loadgen
