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
/// within kDeadline of the accept, whatever the client does.
///
/// It never blocks, and nothing throws into the loop: a page whose callback throws is a 500. At most
/// kMaxConnections are open. With all taken, one that has its response and had sent nothing more makes room
/// at once; else the oldest that has its response and does not go, or the oldest that has sent no whole
/// request, does once it is kGrace old; else the one that has taken nothing of its response for the longest,
/// once that is kGrace. Until then newcomers wait in the backlog. Where accept fails (EMFILE
/// and the like) it is tried again after kRetry: no spin.
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

  static constexpr std::size_t kMaxConnections = 8;
  static constexpr sys::Nanos kDeadline = 2 * sys::kSecond;
  static constexpr sys::Nanos kGrace = 100 * sys::kMillisecond;
  static constexpr sys::Nanos kRetry = 100 * sys::kMillisecond;

  /// `listener` is non-blocking. Throws std::system_error where epoll refuses it.
  Server(sys::EventLoop& loop, sys::UniqueFd listener, Pages pages);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Where it listens, "127.0.0.1:9180".
  [[nodiscard]] std::string address() const;
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  struct Connection;
  using Iterator = std::list<Connection>::iterator;

  void AcceptSome();
  void PauseAccepting(sys::Nanos until);
  void ResumeAccepting();
  void Open(sys::UniqueFd fd);
  void Close(Iterator connection);
  /// The one to make room: there is one.
  [[nodiscard]] Iterator OldestIdle();

  void LookAtAll();
  void OnEvent(Iterator connection);
  [[nodiscard]] bool Read(Connection& connection);
  [[nodiscard]] bool Write(Connection& connection);
  [[nodiscard]] bool Linger(Connection& connection);
  [[nodiscard]] std::string Respond(const http::Request& request) const;

  sys::EventLoop& loop_;
  sys::UniqueFd listener_;
  Pages pages_;
  http::RequestParser parser_;
  std::list<Connection> connections_;  // oldest first
  bool accept_failed_ = false;
  sys::EventLoop::Watch accepting_;
  sys::EventLoop::Timer resume_;
};

}  // namespace hydrapool::admin
