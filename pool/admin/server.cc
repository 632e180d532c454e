#include "pool/admin/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <limits>
#include <system_error>
#include <utility>

#include "pool/admin/listen.h"
#include "pool/http/response_writer.h"
#include "pool/sys/log.h"
#include "pool/sys/socket.h"

namespace hydrapool::admin {
namespace {

std::string Plain(int status, bool head_request, std::string_view detail) {
  return http::ErrorResponse(status, false, head_request, detail, http::HttpDate(std::time(nullptr)));
}

std::string Whole(const Page& page, bool head_request, std::string_view extra) {
  std::string out;
  const std::string date = http::HttpDate(std::time(nullptr));
  http::AppendHead(out, {.status = page.status,
                         .keep_alive = false,
                         .content_length = page.body.size(),
                         .content_type = page.content_type,
                         .date = date,
                         .extra = extra});
  if (!head_request) out += page.body;
  return out;
}

}  // namespace

struct Server::Connection {
  enum class Phase { kReading, kWriting, kLingering };

  sys::UniqueFd fd;
  std::string host;  // its peer's, without the port
  sys::Nanos since;  // it was opened or asked, or has last taken something of its response
  Phase phase = Phase::kReading;
  std::string input = {};
  std::string output = {};
  std::size_t sent = 0;
  bool said_all = false;  // its request was whole, and nothing came behind it: no reset can follow
  sys::EventLoop::Watch watch = {};
  sys::EventLoop::Timer deadline = {};
};

Server::Server(sys::EventLoop& loop, sys::UniqueFd listener, Pages pages)
    : Server(loop, std::move(listener), std::move(pages), Patience{}) {}

Server::Server(sys::EventLoop& loop, sys::UniqueFd listener, Pages pages, Patience patience)
    : loop_(loop), listener_(std::move(listener)), pages_(std::move(pages)), patience_(patience) {
  accepting_ = loop_.Add(listener_.get(), EPOLLIN, [this](std::uint32_t) { AcceptSome(); });
}

Server::~Server() = default;

std::string Server::address() const { return sys::LocalAddress(listener_.get()); }

void Server::AcceptSome() {
  // Bounded: the listener is level-triggered, and the loop has other work than a flood of clients.
  for (std::size_t i = 0; i < kMaxConnections / 2; ++i) {
    const bool full = connections_.size() >= kMaxConnections;
    const auto silent = full ? LongestSilent() : connections_.end();
    if (full) {
      if (TurnIsSpent()) return;
      const auto phase = silent->phase;
      if (!OnEvent(silent) || silent->phase != phase) continue;  // it was not silent
    }
    auto accepted = sys::Accept(listener_.get());
    if (accepted.error != 0) {
      if (!std::exchange(accept_failed_, true)) {
        sys::log::Warn("admin: accept: {}", std::generic_category().message(accepted.error));
      }
      return PauseAccepting();
    }
    if (!accepted.fd) return;
    accept_failed_ = false;
    if (full) Close(silent);
    Open(std::move(accepted.fd));
  }
}

void Server::PauseAccepting() {
  accepting_.Modify(0);
  resume_ = loop_.At(loop_.now() + patience_.retry, [this] { accepting_.Modify(EPOLLIN); });
}

void Server::Open(sys::UniqueFd fd) {
  const std::string peer = sys::PeerAddress(fd.get());
  std::string host = peer.substr(0, peer.rfind(':'));
  const auto connection = connections_.insert(
      connections_.end(), Connection{.fd = std::move(fd), .host = std::move(host), .since = loop_.now()});
  try {
    connection->watch =
        loop_.Add(connection->fd.get(), EPOLLIN, [this, connection](std::uint32_t) { OnEvent(connection); });
    connection->deadline =
        loop_.At(loop_.now() + patience_.deadline, [this, connection] { Close(connection); });
  } catch (const std::system_error& error) {
    sys::log::Warn("admin: {}", error.what());
    connections_.erase(connection);
  }
}

void Server::Close(Iterator connection) { connections_.erase(connection); }

Server::Iterator Server::LongestSilent() {
  using Phase = Connection::Phase;
  const auto done = std::ranges::find_if(
      connections_, [](const Connection& each) { return each.phase == Phase::kLingering && each.said_all; });
  if (done != connections_.end()) return done;
  const auto crowd_of = [this](const Connection& silent) {
    return std::ranges::count_if(connections_, [&silent](const Connection& each) {
      return each.host == silent.host && each.phase != Phase::kWriting;
    });
  };
  auto found = connections_.end();
  std::ptrdiff_t largest = 0;
  for (auto each = connections_.begin(); each != connections_.end(); ++each) {
    if (each->phase == Phase::kWriting || crowd_of(*each) <= largest) continue;
    largest = crowd_of(*each);
    found = each;
  }
  if (found != connections_.end()) return found;
  return std::ranges::min_element(connections_, {}, &Connection::since);
}

bool Server::MayTakeLong() {
  const auto taking = [](const Connection& each) { return each.phase == Connection::Phase::kWriting; };
  if (static_cast<std::size_t>(std::ranges::count_if(connections_, taking)) < kMaxTaking) return true;
  const auto stalest = std::ranges::min_element(connections_, {}, [&](const Connection& each) {
    return taking(each) ? each.since : std::numeric_limits<sys::Nanos>::max();
  });
  if (!OnEvent(stalest) || !taking(*stalest)) return true;
  if (loop_.now() < stalest->since + patience_.grace) return false;
  Close(stalest);
  return true;
}

bool Server::TurnIsSpent() {
  if (std::exchange(turn_.at, loop_.now()) != loop_.now()) turn_.answers = 0;
  return turn_.answers >= kAnswersATurn;
}

bool Server::OnEvent(Iterator connection) {
  using Phase = Connection::Phase;
  bool open = true;
  if (connection->phase == Phase::kReading) open = Read(*connection);
  if (open && connection->phase == Phase::kWriting) open = Write(*connection);
  if (open && connection->phase == Phase::kLingering) open = Linger(*connection);
  if (!open) Close(connection);
  return open;
}

bool Server::Read(Connection& connection) {
  if (TurnIsSpent()) return true;  // level-triggered: the next turn is told of it
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t got = ::recv(connection.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    connection.input.append(buffer.data(), static_cast<std::size_t>(got));
    const auto parsed = parser_.Parse(connection.input);
    if (std::holds_alternative<http::NeedMore>(parsed)) continue;
    if (const auto* refusal = std::get_if<http::Refusal>(&parsed)) {
      connection.output = Plain(refusal->status, false, refusal->why);
    } else {
      const http::Request& request = *std::get<const http::Request*>(parsed);
      const bool bare = request.body != http::BodyKind::kChunked && request.content_length == 0;
      connection.said_all = bare && connection.input.size() == request.head_size;
      connection.output = Respond(request);
      ++turn_.answers;
      if (connection.output.size() > kSmallPage && !MayTakeLong())
        connection.output = Plain(503, request.method == "HEAD", "too many are being answered");
    }
    connection.since = loop_.now();
    connection.phase = Connection::Phase::kWriting;
    return true;
  }
}

void Server::AwaitSuccessor() {
  LetSuccessorListen(listener_.get());
  yield_ = loop_.At(loop_.now() + patience_.yield, [this] {
    AnotherListensBeside(listener_.get()) ? YieldToSuccessor() : AwaitSuccessor();
  });
}

void Server::YieldToSuccessor() {
  AcceptSome();
  resume_.Reset();
  accepting_.Reset();
  ::shutdown(listener_.get(), SHUT_RD);  // a supervisor may have it open too
  listener_.Reset();
}

std::string Server::Respond(const http::Request& request) {
  const bool head = request.method == "HEAD";
  if (!head && request.method != "GET") {
    return Whole({405, "text/plain; charset=utf-8", "405 Method Not Allowed\n"}, false,
                 "Allow: GET, HEAD\r\n");
  }
  const auto found = pages_.find(request.path);
  if (found == pages_.end()) return Plain(404, head, "no such page");
  try {
    const Page page = found->second(request);
    if (page.lets_successor_listen && listener_ && !yield_) AwaitSuccessor();
    return Whole(page, head, "Cache-Control: no-store\r\n");
  } catch (const std::exception& error) {
    sys::log::Warn("admin: {}: {}", request.path, error.what());
  } catch (...) {
    sys::log::Warn("admin: {}: unknown exception", request.path);
  }
  return Plain(500, head, "the page cannot be rendered");
}

bool Server::Write(Connection& connection) {
  while (connection.sent < connection.output.size()) {
    const ssize_t sent = ::send(connection.fd.get(), connection.output.data() + connection.sent,
                                connection.output.size() - connection.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      connection.watch.Modify(EPOLLOUT);
      return true;
    }
    if (sent < 0 && errno != EINTR) return false;
    if (sent <= 0) continue;
    connection.sent += static_cast<std::size_t>(sent);
    connection.since = loop_.now();
  }
  if (::shutdown(connection.fd.get(), SHUT_WR) != 0) return false;
  connection.phase = Connection::Phase::kLingering;
  connection.watch.Modify(EPOLLIN);
  return true;
}

bool Server::Linger(Connection& connection) {
  std::array<char, 16 * 1024> discarded;
  const ssize_t got = ::recv(connection.fd.get(), discarded.data(), discarded.size(), MSG_DONTWAIT);
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

}  // namespace hydrapool::admin
