#include "loadgen/engine_loop.h"

#include <algorithm>

namespace loadgen {

EngineLoop::EngineLoop(const Plan& plan, const StopSignal& stop) : plan_(plan), stop_(stop) {
  poller_.Want(stop.fd(), EPOLLIN);
}

void EngineLoop::Run(Agenda& agenda, Recorder& recorder) {
  agenda_ = &agenda;
  recorder_ = &recorder;
  while (true) {
    ObeyStop();
    SendDue();
    const sys::Nanos now = sys::Now();
    ExpireOverdue(now);
    if (Oldest() == nullptr && NothingLeft(now)) return;
    if (now >= GiveUpAt()) return Abandon(now);
    for (const auto& event : poller_.Wait(now, WakeAt(now))) {
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

void EngineLoop::ExpireOverdue(sys::Nanos now) {
  for (const auto* oldest = Oldest(); oldest != nullptr && oldest->sent + plan_.timeout <= now;
       oldest = Oldest()) {
    ExpireOldest(now);
  }
}

bool EngineLoop::NothingLeft(sys::Nanos now) const {
  return now >= agenda_->end() || agenda_->NextDue() == Agenda::kNever;
}

sys::Nanos EngineLoop::GiveUpAt() const {
  return agenda_->end() == Agenda::kNever ? Agenda::kNever : agenda_->end() + plan_.drain;
}

sys::Nanos EngineLoop::WakeAt(sys::Nanos now) const {
  sys::Nanos wake = std::min(OwnDeadline(), GiveUpAt());
  if (const auto* oldest = Oldest()) wake = std::min(wake, oldest->sent + plan_.timeout);
  if (HasFreeConnection() && now < agenda_->end()) {
    wake = std::min({wake, agenda_->NextDue(), agenda_->end()});
  }
  return wake;
}

}  // namespace loadgen
