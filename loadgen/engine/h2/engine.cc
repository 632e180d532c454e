#include "loadgen/engine/h2/engine.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <stdexcept>
#include <utility>

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kBuffer = 64 * 1024;

}  // namespace

std::unique_ptr<Engine> H2Engine::Make(const Plan& plan, int connections, const StopSignal& stop) {
  return std::make_unique<H2Engine>(plan, connections, stop);
}

H2Engine::H2Engine(const Plan& plan, int connections, const StopSignal& stop)
    : EngineLoop(plan, stop),
      buffer_(kBuffer),
      callbacks_(H2Connection::MakeCallbacks()),
      shared_{.thread = {.plan = plan,
                         .poller = poller_,
                         .sources = sources_,
                         .counts = counts_,
                         .buffer = buffer_},
              .callbacks = callbacks_.get()},
      names_(plan),
      streams_(plan) {
  if (!callbacks_) throw std::bad_alloc();
  for (const auto& target : plan.targets) {
    const auto url = ParseHttpUrl(target.url, {}, DotsOf(plan));
    if (!url) throw std::invalid_argument(url.error().message);
    if (url->scheme == "https" && !tls_) tls_ = std::make_unique<TlsContext>(plan, "h2");
    requests_.emplace_back(HostOf(*url), plan, target, *url);
  }
  for (int i = FirstOf(connections); i > 0; --i) H2Engine::AddConnection(0);
}

H2Engine::Host& H2Engine::HostOf(const HttpUrl& url) {
  const auto number = names_.NumberOf(url);
  if (number == hosts_.size()) hosts_.push_back({.at = names_[number], .free = {}});
  return hosts_[number];
}

void H2Engine::AddConnection(sys::Nanos since) {
  streams_.Allow(static_cast<std::size_t>(plan_.wire.streams));
  for (auto& host : hosts_) AddLink(host, since);
}

void H2Engine::AddLink(Host& host, sys::Nanos since) {
  auto& link =
      links_.emplace_back(shared_, static_cast<H2Listener&>(*this), host, host.at.tls ? tls_.get() : nullptr);
  link.self = std::prev(links_.end());
  link.free_since.push_back(since);
  link.listed = true;
  host.free.push_back(&link);
}

bool H2Engine::HasFreeConnection() const {
  return streams_.HasFree() && !requests_[agenda_->next_url()].host->free.empty();
}

bool H2Engine::SendNext(sys::Nanos now) {
  auto& stream = streams_.Free();
  auto& link = *requests_[agenda_->next_url()].host->free.back();
  const auto free_since = std::max(stream.free_since, link.free_since.back());
  const auto arrival = agenda_->Take(now, free_since);
  if (!arrival) return false;
  CountSaturated(*arrival);
  link.free_since.pop_back();
  streams_.Begin(stream);
  stream.Begin({.turn = arrival->turn,
                .url = arrival->url,
                .due = arrival->due,
                .free_since = free_since,
                .sent = now});
  recorder_->Sent(stream.attempt);
  link.Submit(stream, requests_[arrival->url].fields);
  MarkDirty(link);
  Review(link, now);
  return true;
}

void H2Engine::OnOver(H2Stream& stream, const Result& result) {
  recorder_->Finished(stream.attempt, result);
  if (RestsAfter(stream.attempt, result)) return streams_.Rest(stream);
  BeforeFree(result.end);
  stream.free_since = result.end;
  streams_.End(stream);
}

void H2Engine::MarkDirty(Link& link) {
  if (std::exchange(link.dirty, true)) return;
  dirty_.push_back(&link);
}

/// After something happened to it: whether it has room, which descriptor it has, and what comes instead.
void H2Engine::Review(Link& link, sys::Nanos now) {
  if (link.open()) Register(link);
  connect_due_ = std::min(connect_due_, link.connect_due());
  List(link, now);
  if (!link.leaving()) return;
  if (!std::exchange(link.replaced, true)) {
    BeforeFree(now);
    AddLink(link.host, now);
  }
  if (link.active() > 0) return;
  link.Close(now);
  if (std::ranges::find(gone_, &link) == gone_.end()) gone_.push_back(&link);
}

/// Anew each time: another may have had the same descriptor since this one's last connection.
void H2Engine::Register(Link& link) {
  if (link.fd() != link.registered) Unregister(link);
  link.registered = link.fd();
  const auto fd = static_cast<std::size_t>(link.fd());
  if (fd >= by_fd_.size()) by_fd_.resize(fd + 64);
  by_fd_[fd] = &link;
}

void H2Engine::Unregister(const Link& link) {
  if (link.registered < 0) return;
  auto& known = by_fd_[static_cast<std::size_t>(link.registered)];
  if (known == &link) known = nullptr;
}

void H2Engine::List(Link& link, sys::Nanos now) {
  const auto room = link.room();
  if (room > 0 && !link.listed) {
    BeforeFree(now);
    link.host.free.push_back(&link);
  } else if (room == 0 && link.listed) {
    auto& free = link.host.free;
    if (free.back() == &link) {
      free.pop_back();
    } else {
      std::erase(free, &link);
    }
  }
  link.listed = room > 0;
  link.free_since.resize(std::min(link.free_since.size(), room));
  link.free_since.resize(room, now);
}

void H2Engine::FlushAll() {
  swapped_.swap(dirty_);
  for (auto* link : swapped_) {
    link->dirty = false;
    if (link->Flush()) MarkDirty(*link);
    Review(*link, sys::Now());
  }
  swapped_.clear();
}

void H2Engine::ReadOn() {
  swapped_.swap(unread_);
  for (auto* link : swapped_) {
    link->unread = link->Receive();
    if (link->unread) unread_.push_back(link);
    MarkDirty(*link);
    Review(*link, sys::Now());
  }
  swapped_.clear();
}

void H2Engine::OnEvents(int fd, std::uint32_t events) {
  auto* link = by_fd_[static_cast<std::size_t>(fd)];
  if (link == nullptr || link->fd() != fd) return;
  if (link->OnEvents(events) && !std::exchange(link->unread, true)) unread_.push_back(link);
  MarkDirty(*link);
  Review(*link, std::max(link->heard(), agenda_->start()));
}

void H2Engine::OnWakeUp() {
  names_.TakeNewAddresses();
  if (!unread_.empty()) ReadOn();
  if (connect_due_ != Agenda::kNever) {
    if (const sys::Nanos now = sys::Now(); now >= connect_due_) TryNextAddresses(now);
  }
  if (!gone_.empty()) EraseGone();
}

void H2Engine::EraseGone() {
  std::erase_if(gone_, [this](Link* link) {
    if (link->dirty || link->unread) return false;
    Unregister(*link);
    links_.erase(link->self);
    return true;
  });
}

void H2Engine::TryNextAddresses(sys::Nanos now) {
  connect_due_ = Agenda::kNever;
  for (auto each = links_.begin(); each != links_.end();) {
    auto& link = *each++;
    if (link.connect_due() > now) {
      connect_due_ = std::min(connect_due_, std::max(link.connect_due(), now + AddressWalk::kBetweenLooks));
      continue;
    }
    link.OnConnectDue(now);
    Review(link, now);
  }
}

const Attempt* H2Engine::Oldest() const {
  return streams_.in_flight().empty() ? nullptr : &streams_.in_flight().front().attempt;
}

void H2Engine::ExpireOldest(sys::Nanos now) {
  auto& stream = streams_.oldest();
  auto& link = static_cast<Link&>(*stream.connection);
  link.TimedOut(stream, now);
  MarkDirty(link);
  Review(link, now);
}

void H2Engine::Abandon(sys::Nanos now) {
  for (const auto& stream : streams_.in_flight())
    recorder_->InFlightAtEnd(stream.attempt, now, stream.connection->local_port());
}

void H2Engine::CountOpen(sys::Nanos now) {
  for (auto& link : links_) link.CountOpen(now);
}

}  // namespace hydrapool::loadgen
