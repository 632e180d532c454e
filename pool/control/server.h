#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <list>
#include <string_view>

#include "pool/control/answers.h"
#include "pool/sys/clock.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::control {

/// The control socket: a line from an operator, answered by lines, from the caller's event loop.
///
///     control::Server server(loop, ListenAt("/run/hydrapool/control"), [&](auto line) { return Obey(pool,
///     line); });
///
///   reading → answering → gone
///
/// One command for each connection: up to kLongest bytes that end with a newline, within kPatience of the
/// connect; what follows it is not read. A client that does not take its answer for kPatience is cut off. An
/// answer that has nothing to say yet is asked again every kLook. Only root and the user of this process are
/// answered (SO_PEERCRED, unix(7)); anybody else gets one line that says so.
///
/// It never blocks. kMost connections may be open, further ones wait; kMostWaiting of them may have an answer
/// that waits, for a further one that is refused. The loop outlives it.
class Server {
 public:
  using Answerer = std::function<Answer(std::string_view command)>;

  static constexpr std::size_t kMost = 16;
  static constexpr std::size_t kMostWaiting = 12;
  static constexpr std::size_t kLongest = 8192;
  static constexpr sys::Nanos kPatience = 2 * sys::kSecond;
  static constexpr sys::Nanos kLook = 20 * sys::kMillisecond;

  Server(sys::EventLoop& loop, sys::UniqueFd listener, Answerer answerer);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  struct Connection;
  using Iterator = std::list<Connection>::iterator;

  void AcceptSome();
  void Open(sys::UniqueFd fd);
  void Close(Iterator connection);
  void OnEvent(Iterator connection, std::uint32_t events);
  [[nodiscard]] bool Read(Connection& connection);
  [[nodiscard]] bool Write(Connection& connection);
  void Look();
  void ExpectProgress(Iterator connection);

  sys::EventLoop& loop_;
  sys::UniqueFd listener_;
  Answerer answerer_;
  std::list<Connection> connections_;
  sys::EventLoop::Watch accepting_;
  sys::EventLoop::Timer look_;
  sys::EventLoop::Timer accept_again_;
};

/// A listening socket of mode 0600 for Server, which the program that follows inherits (hydrapool/listen.h).
/// A stale socket is replaced, and so is one whose server says that it drains (`program` of answers.h): it
/// keeps the connections that it has, and the newcomer gets those that follow. One that is served else, or a
/// file of another kind, is not: std::system_error. Blocks up to a second where the path is served.
sys::UniqueFd ListenAt(const std::string& path);

}  // namespace hydrapool::control
