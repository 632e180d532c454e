#include "loadgen/engine/raw/engine.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kBuffer = 64 * 1024;

}  // namespace

std::unique_ptr<Engine> RawEngine::Make(const Plan& plan, int connections, const StopSignal& stop) {
  return std::make_unique<RawEngine>(plan, connections, stop);
}

RawEngine::RawEngine(const Plan& plan, int connections, const StopSignal& stop)
    : EngineLoop(plan, stop),
      buffer_(kBuffer),
      hosts_(plan),
      most_slots_(std::max(DescriptorsOfAThread(plan), static_cast<std::size_t>(connections))) {
  for (const auto& target : plan.targets) {
    const auto url = ParseHttpUrl(target.url, {}, DotsOf(plan));
    if (!url || (url->scheme != "http" && !plan.scenario) || !url->user.empty() ||
        !UserOf(plan, target).empty()) {
      throw std::invalid_argument("the raw engine cannot speak to " + target.url);
    }
    if (url->scheme == "https" && !tls_) tls_ = std::make_unique<TlsContext>(plan_, "http/1.1");
    requests_.push_back({.host = hosts_.NumberOf(*url), .raw = RawRequest(plan, target, *url)});
  }
  kept_alive_.resize(hosts_.size());
  for (int i = FirstOf(connections); i > 0; --i) RawEngine::AddConnection(0);
}

void RawEngine::AddConnection(sys::Nanos since) {
  AddSlot();
  closed_.back().visit.free_since = since;
  free_since_.push_back(since);
}

void RawEngine::AddSlot() {
  auto& slot = closed_.emplace_back(ThreadShare{
      .plan = plan_, .poller = poller_, .sources = sources_, .counts = counts_, .buffer = buffer_});
  slot.self = std::prev(closed_.end());
  ++slots_;
}

bool RawEngine::SendNext(sys::Nanos now) {
  const auto host = requests_[agenda_->next_url()].host;
  const auto arrival = agenda_->Take(now, free_since_.back());
  if (!arrival) return false;
  CountSaturated(*arrival);
  auto& from = FreeSlots(host);
  auto& slot = from.back();
  const sys::Nanos free_since = free_since_.back();
  free_since_.pop_back();
  Send(from, slot,
       {.turn = arrival->turn,
        .url = arrival->url,
        .due = arrival->due,
        .free_since = free_since,
        .sent = now});
  return true;
}

RawEngine::Slots& RawEngine::FreeSlots(std::size_t host) {
  if (!kept_alive_[host].empty()) return kept_alive_[host];
  if (closed_.empty() && slots_ >= most_slots_)
    return *std::ranges::find_if(kept_alive_, [](const Slots& slots) { return !slots.empty(); });
  if (closed_.empty()) AddSlot();
  return closed_;
}

void RawEngine::Send(Slots& from, Slot& slot, const Attempt& attempt, TextTemplate::Values values) {
  const auto& [number, request] = requests_[attempt.url];
  if (slot.connection.open() && slot.host != number) slot.connection.Close(attempt.sent);
  slot.host = number;
  auto& host = hosts_[number];
  in_flight_.splice(in_flight_.end(), from, slot.self);
  slot.under_way = true;
  recorder_->Sent(attempt);
  const int before = slot.connection.fd();
  const auto result = slot.connection.Start(attempt, host.endpoint,
                                            request.Bytes(plan_.seed, attempt.turn, slot.request, values),
                                            request.to_head(), SecurityOf(host));
  if (result) return Settle(slot, *result);
  Follow(slot, before);
}

void RawEngine::Follow(Slot& slot, int fd_before) {
  if (slot.connection.fd() != fd_before) Register(slot);
  connect_due_ = std::min(connect_due_, slot.connection.connect_due());
  if (!slot.connection.has_more() || slot.awaited) return;
  slot.awaited = true;
  more_.push_back(&slot);
}

void RawEngine::Register(Slot& slot) {
  const auto fd = static_cast<std::size_t>(slot.connection.fd());
  if (fd >= by_fd_.size()) by_fd_.resize(fd + 64);
  by_fd_[fd] = &slot;
}

void RawEngine::OnEvents(int fd, std::uint32_t events) {
  auto& slot = *by_fd_[static_cast<std::size_t>(fd)];
  if (slot.connection.fd() != fd) return;
  if (slot.under_way) {
    if (const auto result = slot.connection.OnEvents(events)) {
      Settle(slot, *result);
      if (HasFreeConnection()) SendNext(result->end);
    } else {
      Follow(slot, fd);
    }
  } else if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) {
    slot.connection.Close(sys::Now());
    OnIdleEnd(slot);
  }
}

void RawEngine::OnIdleEnd(Slot& slot) { closed_.splice(closed_.end(), kept_alive_[slot.host], slot.self); }

void RawEngine::Settle(Slot& slot, const Result& result) {
  recorder_->Finished(slot.connection.attempt(), result);
  if (!RestsAfter(slot.connection.attempt(), result)) {
    BeforeFree(result.end);
    free_since_.push_back(result.end);
  }
  slot.under_way = false;
  auto& to = slot.connection.open() ? kept_alive_[slot.host] : closed_;
  to.splice(to.end(), in_flight_, slot.self);
}

void RawEngine::OnWakeUp() {
  hosts_.TakeNewAddresses();
  if (!more_.empty()) ResumeAll();
  if (connect_due_ == Agenda::kNever) return;
  if (const sys::Nanos now = sys::Now(); now >= connect_due_) TryNextAddresses(now);
}

void RawEngine::ResumeAll() {
  resumed_.swap(more_);
  for (auto* slot : resumed_) {
    slot->awaited = false;
    if (!slot->under_way || !slot->connection.has_more()) continue;
    const int before = slot->connection.fd();
    if (const auto result = slot->connection.Resume()) {
      Settle(*slot, *result);
    } else {
      Follow(*slot, before);
    }
  }
  resumed_.clear();
}

void RawEngine::TryNextAddresses(sys::Nanos now) {
  connect_due_ = Agenda::kNever;
  for (auto each = in_flight_.begin(); each != in_flight_.end();) {
    auto& slot = *each++;
    if (slot.connection.connect_due() > now) {
      connect_due_ =
          std::min(connect_due_, std::max(slot.connection.connect_due(), now + AddressWalk::kBetweenLooks));
      continue;
    }
    const int before = slot.connection.fd();
    if (const auto result = slot.connection.OnConnectDue(now)) {
      Settle(slot, *result);
    } else {
      Follow(slot, before);
    }
  }
}

const Attempt* RawEngine::Oldest() const {
  return in_flight_.empty() ? nullptr : &in_flight_.front().connection.attempt();
}

void RawEngine::ExpireOldest(sys::Nanos now) {
  auto& slot = in_flight_.front();
  Settle(slot, slot.connection.TimedOut(now));
}

void RawEngine::Abandon(sys::Nanos now) {
  for (const auto& slot : in_flight_) {
    recorder_->InFlightAtEnd(slot.connection.attempt(), now, slot.connection.local_port());
  }
}

void RawEngine::CountOpen(sys::Nanos now) {
  for (auto& slots : kept_alive_) {
    for (auto& slot : slots) slot.connection.CountOpen(now);
  }
  for (auto& slot : in_flight_) slot.connection.CountOpen(now);
}

}  // namespace hydrapool::loadgen
