#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "loadgen/engine/endpoint.h"
#include "loadgen/engine/engine_loop.h"
#include "loadgen/engine/raw/connection.h"
#include "loadgen/engine/raw/request.h"
#include "loadgen/plan/http_url.h"

namespace hydrapool::loadgen {

/// The engine for plain HTTP/1.1, over TCP or a UNIX socket: our own epoll loop and parser, the least CPU for
/// a request. Its outcomes are those of the curl engine for the same behaviour of a server.
///
/// Names are resolved once, when it is made; a host with several addresses is tried at each of them. Idle
/// connections that the server closes are dropped as soon as epoll says so; one that ends in the moment
/// between that and the next request is `resend_suppressed`.
///
/// Once as many connections are made as the plan has, a request allocates no memory.
///
/// Not promised: credentials in URLs, redirects, proxies, decoding of bodies.
class RawEngine final : public EngineLoop {
 public:
  /// The URLs of `plan` are plain http without credentials (std::invalid_argument otherwise).
  RawEngine(const Plan& plan, int connections, const StopSignal& stop);

  /// An EngineFactory.
  static std::unique_ptr<Engine> Make(const Plan& plan, int connections, const StopSignal& stop);

 private:
  struct Slot;
  using Slots = std::list<Slot>;  // spliced from one list to another: nothing is allocated for a request
  struct Slot {
    Slot(const Plan& plan, Poller& poller, ConnectionCounts& counts, std::span<char> buffer)
        : connection(plan, poller, counts, buffer) {}
    RawConnection connection;
    sys::Nanos free_since = 0;
    std::size_t endpoint = 0;
    std::string request;  // where it differs from others
    bool under_way = false;
    Slots::iterator self;
  };
  struct Request {
    std::size_t endpoint;
    RawRequest raw;
  };

  std::size_t EndpointOf(const HttpUrl& url, std::vector<std::string>& known);
  Slots* FreeSlots(std::size_t endpoint);
  bool SendNext(sys::Nanos now) override;
  void AddConnection() override;
  [[nodiscard]] bool HasFreeConnection() const override { return free_ > 0; }
  [[nodiscard]] const Attempt* Oldest() const override;
  void ExpireOldest(sys::Nanos now) override;
  void Abandon(sys::Nanos now) override;
  void CountOpen(sys::Nanos now) override;
  void OnEvents(int fd, std::uint32_t events) override;

  void Begin(Slots& from, Slot& slot, const Arrival& arrival, sys::Nanos now);
  void Register(Slot& slot);
  void Settle(Slot& slot, const Result& result);

  std::vector<char> buffer_;
  std::vector<Endpoint> endpoints_;
  std::vector<Request> requests_;  // one for each URL
  std::vector<Slots> kept_alive_;  // by endpoint
  Slots closed_;
  Slots in_flight_;  // oldest first
  std::vector<Slot*> by_fd_;
  std::size_t free_ = 0;
};

}  // namespace hydrapool::loadgen
