#pragma once

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/engine/engine_loop.h"
#include "loadgen/engine/h2/connection.h"
#include "loadgen/engine/h2/streams.h"
#include "loadgen/engine/host_list.h"

namespace hydrapool::loadgen {

/// The engine for HTTP/2, with TLS or with prior knowledge (h2c): our own epoll loop over nghttp2. A
/// connection carries up to `plan.wire.streams` requests at a time, fewer where the server allows fewer; a
/// free connection, as the loop has it, is one that takes a further request. All of the plan's connections
/// are made for each host, and plan.connections × plan.wire.streams requests are under way at most.
///
/// A new connection carries one request until the server's SETTINGS came. One that leaves (connection.h) is
/// replaced at once. An https server that does not agree on "h2" (ALPN) is Outcome::kTls, one of plain HTTP/1
/// kMalformed: HTTP/1.1 is not spoken instead.
///
/// Over nghttp2, as libcurl 7.88 fails the second request of a plain connection ("Error in the HTTP2 framing
/// layer"; curl --http2-prior-knowledge with one URL given twice shows it).
///
/// Not promised: redirects, cookies, Digest, proxies, server push.
class H2Engine final : public EngineLoop, private H2Listener {
 public:
  H2Engine(const Plan& plan, int connections, const StopSignal& stop);

  /// An EngineFactory.
  static std::unique_ptr<Engine> Make(const Plan& plan, int connections, const StopSignal& stop);

 private:
  struct Link;
  struct Host {
    HostList::Host& at;
    std::vector<Link*> free;  // those with room
  };
  /// A connection, and what the loop knows of it.
  struct Link : H2Connection {
    Link(H2Shared& shared, H2Listener& listener, Host& its_host, TlsContext* tls)
        : H2Connection(shared, listener, its_host.at.endpoint, {.tls = tls, .host = &its_host.at.certified}),
          host(its_host) {}
    Host& host;
    std::vector<sys::Nanos> free_since;  // of each request that it has room for
    bool listed = false;                 // in host.free
    bool dirty = false;                  // in dirty_
    bool unread = false;                 // in unread_
    bool replaced = false;
    int registered = -1;  // the only place in by_fd_ where it may be
    std::list<Link>::iterator self;
  };
  struct Request {
    Request(Host& its_host, const Plan& plan, const Target& target, const HttpUrl& url)
        : host(&its_host), fields(plan, target, url) {}
    Host* host;
    H2Request fields;
  };
  struct FreeCallbacks {
    void operator()(nghttp2_session_callbacks* callbacks) const { nghttp2_session_callbacks_del(callbacks); }
  };

  bool SendNext(sys::Nanos now) override;
  void AfterSending(int /*sent*/) override { FlushAll(); }
  [[nodiscard]] bool FillsUp() const override {
    const auto& sent = streams_.in_flight();
    return !sent.empty() && static_cast<const Link*>(sent.back().connection)->listed;
  }
  [[nodiscard]] bool HasFreeConnection() const override;
  void AddConnection(sys::Nanos since) override;
  void EndRest(sys::Nanos since) override { streams_.EndRest(since); }
  [[nodiscard]] const Attempt* Oldest() const override;
  void ExpireOldest(sys::Nanos now) override;
  void Abandon(sys::Nanos now) override;
  void CountOpen(sys::Nanos now) override;
  void OnEvents(int fd, std::uint32_t events) override;
  [[nodiscard]] sys::Nanos OwnDeadline() const override {
    return unread_.empty() && dirty_.empty() ? connect_due_ : 0;
  }
  void OnWakeUp() override;
  void OnOver(H2Stream& stream, const Result& result) override;

  Host& HostOf(const HttpUrl& url);
  void AddLink(Host& host, sys::Nanos since);
  void MarkDirty(Link& link);
  void Review(Link& link, sys::Nanos now);
  void Register(Link& link);
  void Unregister(const Link& link);
  void List(Link& link, sys::Nanos now);
  void FlushAll();
  void ReadOn();
  void TryNextAddresses(sys::Nanos now);
  void EraseGone();

  std::vector<char> buffer_;
  std::unique_ptr<nghttp2_session_callbacks, FreeCallbacks> callbacks_;
  H2Shared shared_;
  std::unique_ptr<TlsContext> tls_;  // where a host has it
  HostList names_;
  std::deque<Host> hosts_;        // as names_
  std::deque<Request> requests_;  // one for each URL
  H2Streams streams_;
  std::list<Link> links_;
  std::vector<Link*> by_fd_;
  std::vector<Link*> dirty_;   // may have something to send
  std::vector<Link*> unread_;  // have more to read than they were let
  std::vector<Link*> swapped_;
  std::vector<Link*> gone_;  // to be erased
  sys::Nanos connect_due_ = Agenda::kNever;
};

}  // namespace hydrapool::loadgen
