#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "loadgen/engine/engine_loop.h"
#include "loadgen/engine/host_list.h"
#include "loadgen/engine/raw/connection.h"
#include "loadgen/engine/raw/request.h"
#include "loadgen/engine/raw/visit.h"
#include "loadgen/plan/http_url.h"

namespace hydrapool::loadgen {

/// The engine for plain HTTP/1.1, over TCP or a UNIX socket: our own epoll loop and parser, the least CPU for
/// a request. Its outcomes are those of the curl engine for the same behaviour of a server.
///
/// Names are resolved when it is made, and again as the plan says (host_watch.h): new connections lead to the
/// new addresses. A host with several is tried at each of them. Each host has idle connections of its own, as
/// many as were under way to it at once; where descriptors run out, one host's make room for another's. Idle
/// connections that the server closes are dropped as soon as epoll says so; one that ends in the moment
/// between that and the next request is `resend_suppressed`.
///
/// Once as many connections are made as the plan has, a request allocates no memory.
///
/// Not promised: credentials in URLs, redirects, proxies, chunked requests.
class RawEngine : public EngineLoop {
 public:
  /// The URLs of `plan` are plain http without credentials (std::invalid_argument otherwise); with a scenario
  /// also https.
  RawEngine(const Plan& plan, int connections, const StopSignal& stop);

  /// An EngineFactory.
  static std::unique_ptr<Engine> Make(const Plan& plan, int connections, const StopSignal& stop);

 protected:
  struct Slot;
  using Slots = std::list<Slot>;  // spliced from one list to another: nothing is allocated for a request
  struct Slot {
    explicit Slot(const ThreadShare& thread) : connection(thread) {}
    RawConnection connection;
    std::size_t host = 0;
    std::string request;  // where it differs from others
    bool under_way = false;
    bool awaited = false;  // it is in more_
    Visit visit;           // of sessions (session_engine.h)
    Slots::iterator self;
  };
  struct Request {
    std::size_t host;
    RawRequest raw;
  };

  void AddSlot();
  bool SendNext(sys::Nanos now) override;
  void AddConnection(sys::Nanos since) override;
  void EndRest(sys::Nanos since) override { free_since_.push_back(since); }
  [[nodiscard]] bool HasFreeConnection() const override { return !free_since_.empty(); }
  [[nodiscard]] const Attempt* Oldest() const override;
  void CountOpen(sys::Nanos now) override;
  [[nodiscard]] sys::Nanos OwnDeadline() const override { return more_.empty() ? connect_due_ : 0; }
  void OnWakeUp() override;
  /// Hands the request to the slot, which is in `from`.
  void Send(Slots& from, Slot& slot, const Attempt& attempt, TextTemplate::Values values = {});
  /// The slot's request is over.
  virtual void Settle(Slot& slot, const Result& result);
  /// The slot's connection ended between requests.
  virtual void OnIdleEnd(Slot& slot);

  std::vector<Request> requests_;  // one for each URL
  Slots closed_;
  Slots in_flight_;  // oldest first

 private:
  void ExpireOldest(sys::Nanos now) override;
  void Abandon(sys::Nanos now) override;
  void OnEvents(int fd, std::uint32_t events) override;
  [[nodiscard]] Security SecurityOf(const HostList::Host& host) {
    return host.tls ? Security{.tls = tls_.get(), .host = &host.certified} : Security{};
  }
  Slots& FreeSlots(std::size_t host);
  void Register(Slot& slot);
  void Follow(Slot& slot, int fd_before);
  void ResumeAll();
  void TryNextAddresses(sys::Nanos now);

  std::vector<char> buffer_;
  HostList hosts_;
  std::unique_ptr<TlsContext> tls_;  // where one of them has it
  std::vector<Slots> kept_alive_;    // by host
  std::vector<Slot*> by_fd_;
  std::vector<sys::Nanos> free_since_;  // of each connection the plan allows and no request has
  std::size_t slots_ = 0;
  std::size_t most_slots_;
  std::vector<Slot*> more_;  // have more to read or to send than they were let
  std::vector<Slot*> resumed_;
  sys::Nanos connect_due_ = Agenda::kNever;  // when the first of those that connect is to be looked at
};

}  // namespace hydrapool::loadgen
