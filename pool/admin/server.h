#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "pool/admin/page.h"
#include "pool/http/request_parser.h"
#include "pool/sys/clock.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::admin {

/// A few pages over HTTP from the caller's event loop: /metrics, /healthz and the like of the pool's
/// parent.
///
///     admin::Server server(loop, sys::Listen("127.0.0.1:9180"),
///                          {{"/healthz", [] { return admin::Page{200, "text/plain", "ok\n"}; }}});
///
/// GET and HEAD only, one response for each connection, then half-close and read on until the client's end,
/// so that a response is never lost to a reset:
///
///   reading → writing → lingering → gone
///
/// within Patience::deadline of the accept, whatever the client does.
///
/// It never blocks, and nothing throws into the loop: a page whose callback throws is a 500. At most
/// kMaxConnections are open, and with all taken a newcomer does not wait: one that has its response and had
/// sent nothing more gives way to it, else of those that have sent no whole request or are through with
/// their response the oldest of the address that has most of them. So a crowd that keeps silent delays
/// nobody, and a client that asks at once is cut only where kMaxConnections come from its own address between
/// its connect and its request. One in the middle of its response gives way to nobody who connects.
///
/// At most kMaxTaking are in the middle of theirs: a further page of more than kSmallPage is a 503, or takes
/// the place of one that has taken nothing for Patience::grace. Smaller ones leave at once, and are never
/// refused. At most kAnswersATurn pages are rendered in a turn of the loop. Where accept fails (EMFILE and
/// the like) it is tried again a moment later: no spin.
///
/// One that has said that it lets a successor listen stops listening when there is one (listen.h).
///
/// Not promised: any protection of what the pages say. Listen on a loopback address. Needs the loop's thread;
/// the loop outlives the Server. A page's callback must not destroy the Server.
class Server {
 public:
  /// What makes a page: a function of the request, or of nothing.
  class Render {
   public:
    template <std::invocable Call>
    Render(Call call) : call_([call = std::move(call)](const http::Request&) { return call(); }) {}
    template <std::invocable<const http::Request&> Call>
    Render(Call call) : call_(std::move(call)) {}
    Page operator()(const http::Request& request) const { return call_(request); }

   private:
    std::function<Page(const http::Request&)> call_;
  };
  using Pages = std::map<std::string, Render, std::less<>>;

  static constexpr std::size_t kMaxConnections = 32;
  static constexpr std::size_t kMaxTaking = 16;
  static constexpr std::size_t kSmallPage = 4096;  // any socket takes so much at once
  static constexpr int kAnswersATurn = 8;
  struct Patience {
    sys::Nanos deadline = 2 * sys::kSecond;
    sys::Nanos grace = 100 * sys::kMillisecond;
    sys::Nanos retry = 100 * sys::kMillisecond;  // of an accept that has failed
    sys::Nanos yield = 50 * sys::kMillisecond;   // between looks whether there is a successor
  };

  /// `listener` is non-blocking. Throws std::system_error where epoll refuses it.
  Server(sys::EventLoop& loop, sys::UniqueFd listener, Pages pages);
  Server(sys::EventLoop& loop, sys::UniqueFd listener, Pages pages, Patience patience);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Where it listens, "127.0.0.1:9180"; of a socket at a path the name that it was bound to
  /// (ListenInPlaceOf).
  [[nodiscard]] std::string address() const;
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  struct Connection;
  using Iterator = std::list<Connection>::iterator;

  void AcceptSome();
  void PauseAccepting();
  void Open(sys::UniqueFd fd);
  void Close(Iterator connection);
  /// The one to give way to a newcomer: there is one.
  [[nodiscard]] Iterator LongestSilent();
  /// Whether one more may be in the middle of its response; may close one that does not go on with it.
  [[nodiscard]] bool MayTakeLong();
  [[nodiscard]] bool TurnIsSpent();

  /// False: it is gone.
  bool OnEvent(Iterator connection);
  [[nodiscard]] bool Read(Connection& connection);
  [[nodiscard]] bool Write(Connection& connection);
  [[nodiscard]] bool Linger(Connection& connection);
  [[nodiscard]] std::string Respond(const http::Request& request);
  void AwaitSuccessor();
  void YieldToSuccessor();

  sys::EventLoop& loop_;
  sys::UniqueFd listener_;
  Pages pages_;
  const Patience patience_;
  http::RequestParser parser_;
  std::list<Connection> connections_;  // oldest first
  struct {
    sys::Nanos at = 0;
    int answers = 0;  // rendered in it
  } turn_;            // of the loop
  bool accept_failed_ = false;
  sys::EventLoop::Watch accepting_;
  sys::EventLoop::Timer resume_;
  sys::EventLoop::Timer yield_;
};

}  // namespace hydrapool::admin
