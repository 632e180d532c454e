#include "loadgen/engine/curl/engine.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <set>
#include <string>
#include <utility>

#include "loadgen/plan/http_url.h"

namespace hydrapool::loadgen {
namespace {

std::uint32_t EpollEvents(int what) {
  return ((what & CURL_POLL_IN) != 0 ? std::uint32_t{EPOLLIN} : 0u) |
         ((what & CURL_POLL_OUT) != 0 ? std::uint32_t{EPOLLOUT} : 0u);
}

int CurlEvents(std::uint32_t events) {
  return ((events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) | ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
         ((events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
}

/// To how many hosts connections are made.
long HostsOf(const Plan& plan) {
  if (!plan.wire.unix_socket.empty() || !plan.wire.extras.proxy.empty()) return 1;
  std::set<std::pair<std::string, std::string>> hosts;
  for (const auto& target : plan.targets) {
    if (const auto url = ParseHttpUrl(target.url)) hosts.emplace(url->host, url->port);
  }
  return static_cast<long>(std::max<std::size_t>(hosts.size(), 1));
}

}  // namespace

std::unique_ptr<Engine> CurlEngine::Make(const Plan& plan, int connections, const StopSignal& stop) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialised != CURLE_OK) throw std::bad_alloc();
  return std::make_unique<CurlEngine>(plan, connections, stop);
}

CurlEngine::CurlEngine(const Plan& plan, int connections, const StopSignal& stop)
    : EngineLoop(plan, stop),
      sockets_(plan, poller_, sources_, counts_),
      multi_(curl_multi_init()),
      hosts_(HostsOf(plan)) {
  if (!multi_) throw std::bad_alloc();
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &OnSocket);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &OnTimer);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
  for (const auto& target : plan.targets) sockets_.requests.emplace_back(plan, target);
  for (int i = FirstOf(connections); i > 0; --i) AddConnection(0);
}

CurlEngine::~CurlEngine() {
  for (auto& slot : in_flight_) curl_multi_remove_handle(multi_.get(), slot.transfer.handle());
}

void CurlEngine::AddConnection(sys::Nanos since) {
  auto& slot = idle_.emplace_back(plan_, sockets_);
  slot.self = std::prev(idle_.end());
  slot.free_since = since;
  curl_easy_setopt(slot.transfer.handle(), CURLOPT_PRIVATE, &slot);
  ++connections_;
  const auto most = std::max(static_cast<long>(DescriptorsOfAThread(plan_)), connections_);
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, std::min(connections_ * hosts_, most));
}

bool CurlEngine::SendNext(sys::Nanos now) {
  auto& slot = idle_.back();
  const auto arrival = agenda_->Take(now, slot.free_since);
  if (!arrival) return false;
  CountSaturated(*arrival);
  in_flight_.splice(in_flight_.end(), idle_, slot.self);
  slot.transfer.Begin({.turn = arrival->turn,
                       .url = arrival->url,
                       .due = arrival->due,
                       .free_since = slot.free_since,
                       .sent = sys::Now()});
  recorder_->Sent(slot.transfer.attempt());
  curl_multi_add_handle(multi_.get(), slot.transfer.handle());
  return true;
}

const Attempt* CurlEngine::Oldest() const {
  return in_flight_.empty() ? nullptr : &in_flight_.front().transfer.attempt();
}

void CurlEngine::ExpireOldest(sys::Nanos now) {
  auto& slot = in_flight_.front();
  Finish(slot, slot.transfer.TimedOut(now));
}

void CurlEngine::Abandon(sys::Nanos now) {
  for (const auto& slot : in_flight_) {
    recorder_->InFlightAtEnd(slot.transfer.attempt(), now, slot.transfer.local_port());
  }
}

void CurlEngine::OnEvents(int fd, std::uint32_t events) { Act(fd, CurlEvents(events)); }

void CurlEngine::OnWakeUp() {
  if (OwnDeadline() == Agenda::kNever) return;
  const sys::Nanos now = sys::Now();
  if (now >= sockets_.connect_due()) TryNextAddresses(now);
  if (now >= sockets_.paused_until()) GoOnWithPaused(now);
  if (now < curl_due_) return;
  curl_due_ = Agenda::kNever;
  Act(CURL_SOCKET_TIMEOUT, 0);
}

void CurlEngine::TryNextAddresses(sys::Nanos now) {
  sockets_.ForgetConnectDue();
  for (auto each = in_flight_.begin(); each != in_flight_.end();) {
    auto& slot = *each++;
    if (slot.transfer.connection().due() > now) {
      sockets_.NoteConnectDue(std::max(slot.transfer.connection().due(), now + AddressWalk::kBetweenLooks));
    } else if (slot.transfer.connection().TakeNextAddress(now)) {
      Resume(slot);
    } else if (slot.transfer.connection().due() <= now) {
      Finish(slot, slot.transfer.TimedOut(now));
    }
  }
}

void CurlEngine::GoOnWithPaused(sys::Nanos now) {
  sockets_.ForgetPaused();
  for (auto& slot : in_flight_) {
    const sys::Nanos until = slot.transfer.paused_until();
    if (until == 0) continue;
    if (until > now) {
      sockets_.NotePaused(until);
    } else {
      slot.transfer.GoOn();
    }
  }
  Act(CURL_SOCKET_TIMEOUT, 0);
}

void CurlEngine::Act(curl_socket_t fd, int events) {
  int running = 0;
  curl_multi_socket_action(multi_.get(), fd, events, &running);
  if (static_cast<std::size_t>(running) < in_flight_.size()) Reap();
}

void CurlEngine::Reap() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    Slot* slot = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
    if (slot->transfer.ToBeResumed(message->data.result)) {
      Resume(*slot);
    } else {
      Finish(*slot, slot->transfer.Ended(message->data.result, sys::Now()));
    }
  }
}

void CurlEngine::Finish(Slot& slot, const Result& result) {
  recorder_->Finished(slot.transfer.attempt(), result);
  const bool rests = RestsAfter(slot.transfer.attempt(), result);
  if (!rests) BeforeFree(result.end);
  curl_multi_remove_handle(multi_.get(), slot.transfer.handle());
  slot.free_since = result.end;
  auto& to = rests ? resting_ : idle_;
  to.splice(to.end(), in_flight_, slot.self);
}

void CurlEngine::EndRest(sys::Nanos since) {
  auto& slot = resting_.front();
  slot.free_since = since;
  idle_.splice(idle_.end(), resting_, slot.self);
}

void CurlEngine::Resume(Slot& slot) {
  curl_multi_remove_handle(multi_.get(), slot.transfer.handle());
  slot.transfer.BeginAgain();
  curl_multi_add_handle(multi_.get(), slot.transfer.handle());
}

int CurlEngine::OnSocket(CURL*, curl_socket_t fd, int what, void* self, void*) {
  auto& poller = static_cast<CurlEngine*>(self)->poller_;
  if (what == CURL_POLL_REMOVE) {
    poller.Ignore(fd);
  } else {
    poller.Want(fd, EpollEvents(what));
  }
  return 0;
}

int CurlEngine::OnTimer(CURLM*, long millis, void* self) {
  static_cast<CurlEngine*>(self)->curl_due_ =
      millis < 0 ? Agenda::kNever : sys::Now() + millis * sys::kMillisecond;
  return 0;
}

}  // namespace hydrapool::loadgen
