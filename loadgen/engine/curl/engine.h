#pragma once

#include <curl/curl.h>

#include <algorithm>
#include <list>
#include <memory>

#include "loadgen/engine/curl/transfer.h"
#include "loadgen/engine/engine_loop.h"

namespace hydrapool::loadgen {

/// The engine for whatever libcurl speaks, HTTP/1.1 or HTTP/2, plain or TLS, directly or through a proxy: a
/// multi handle driven by its socket API and our epoll. With HTTP/2 too a connection carries one request at a
/// time, so h2load's -m has no counterpart here. HTTP/2 without TLS is refused before a run: libcurl 7.88
/// fails the second request of each such connection ("Error in the HTTP2 framing layer"; curl
/// --http2-prior-knowledge with one URL given twice shows it).
///
/// It takes its own times and its own time-outs, keeps no queue and shares no cache with other threads.
/// Proxies named in the environment are not used: the load goes where the URL says. libcurl's own connection
/// cache decides which kept-alive connection carries a request; it keeps as many idle ones as the plan has
/// connections for each host, as far as descriptors go.
///
/// A host with several addresses is tried at each of them, as the raw engine does (address_walk.h).
///
/// Heads are read as strictly as by the raw engine (pool/http/response_head_reader.h); libcurl would let much
/// of it pass. What stands behind a 204 or 304 is dropped, and the connection goes on, where the raw engine
/// closes it.
///
/// Connections to a UNIX socket are kept too; of these libcurl alone looks whether an idle one has ended.
///
/// Not promised: telling a reset from an orderly close before the first line of a response (both are
/// reset_before_response), and noticing less than one line of a response.
class CurlEngine final : public EngineLoop {
 public:
  CurlEngine(const Plan& plan, int connections, const StopSignal& stop);
  ~CurlEngine() override;

  /// An EngineFactory.
  static std::unique_ptr<Engine> Make(const Plan& plan, int connections, const StopSignal& stop);

 private:
  struct Slot;
  using Slots = std::list<Slot>;  // spliced from one list to the other: nothing is allocated for a request
  struct Slot {
    Slot(const Plan& plan, CurlSockets& sockets) : transfer(plan, sockets) {}
    CurlTransfer transfer;
    sys::Nanos free_since = 0;
    Slots::iterator self;
  };

  struct FreeMulti {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
  };
  static int OnSocket(CURL*, curl_socket_t fd, int what, void* self, void*);
  static int OnTimer(CURLM*, long millis, void* self);

  bool SendNext(sys::Nanos now) override;
  void AfterSending(int sent) override {
    if (sent > 0) Act(CURL_SOCKET_TIMEOUT, 0);
  }
  void AddConnection(sys::Nanos since) override;
  void EndRest(sys::Nanos since) override;
  [[nodiscard]] bool HasFreeConnection() const override { return !idle_.empty(); }
  [[nodiscard]] const Attempt* Oldest() const override;
  void ExpireOldest(sys::Nanos now) override;
  void Abandon(sys::Nanos now) override;
  void CountOpen(sys::Nanos now) override { sockets_.CountOpen(now); }
  void OnEvents(int fd, std::uint32_t events) override;
  [[nodiscard]] sys::Nanos OwnDeadline() const override {
    return std::min({curl_due_, sockets_.connect_due(), sockets_.paused_until()});
  }
  void OnWakeUp() override;

  void Act(curl_socket_t fd, int events);
  void Reap();
  void TryNextAddresses(sys::Nanos now);
  void GoOnWithPaused(sys::Nanos now);
  void Finish(Slot& slot, const Result& result);
  void Resume(Slot& slot);

  CurlSockets sockets_;
  std::unique_ptr<CURLM, FreeMulti> multi_;
  Slots idle_;
  Slots resting_;    // behind a connection that could not be made, the longest first
  Slots in_flight_;  // oldest first
  long connections_ = 0;
  long hosts_;
  sys::Nanos curl_due_ = Agenda::kNever;
};

}  // namespace hydrapool::loadgen
