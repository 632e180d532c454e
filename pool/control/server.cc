#include "pool/control/server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "pool/control/client.h"
#include "pool/sys/log.h"
#include "pool/sys/socket.h"
#include "pool/sys/unix_succession.h"

namespace hydrapool::control {
namespace {

bool MayAsk(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

bool IsLeaving(const std::string& path) {
  const auto reply = Ask(path, "program", std::chrono::seconds(1));
  if (!reply) return false;
  const auto last = nlohmann::json::parse(reply->last, nullptr, false);
  return last.is_object() && last.contains("draining") && last["draining"] == true;
}

sys::UniqueFd ListenOrSucceed(const std::string& path) {
  try {
    return sys::Listen("unix:" + path);
  } catch (const std::system_error& error) {
    if (error.code().value() != EADDRINUSE || !IsLeaving(path)) throw;
  }
  return sys::ListenInPlaceOf(path);
}

}  // namespace

struct Server::Connection {
  sys::UniqueFd fd;
  std::string input = {};
  Answer answer = {};  // none while the command is read
  std::string output = {};
  std::size_t sent = 0;
  bool waits = false;  // its answer has nothing to say yet
  sys::EventLoop::Watch watch = {};
  sys::EventLoop::Timer deadline = {};
};

Server::Server(sys::EventLoop& loop, sys::UniqueFd listener, Answerer answerer)
    : loop_(loop), listener_(std::move(listener)), answerer_(std::move(answerer)) {
  accepting_ = loop_.Add(listener_.get(), EPOLLIN, [this](std::uint32_t) { AcceptSome(); });
}

Server::~Server() = default;

void Server::AcceptSome() {
  while (connections_.size() < kMost) {
    auto [fd, error] = sys::Accept(listener_.get());
    if (error != 0) {
      sys::log::Warn("control: accept: {}", std::generic_category().message(error));
      accepting_.Modify(0);
      accept_again_ = loop_.At(sys::Now() + kPatience, [this] { accepting_.Modify(EPOLLIN); });
      return;
    }
    if (!fd) return;
    Open(std::move(fd));
  }
  accepting_.Modify(0);  // until one has gone
}

void Server::Open(sys::UniqueFd fd) {
  const bool may_ask = MayAsk(fd.get());
  const auto connection = connections_.insert(connections_.end(), Connection{.fd = std::move(fd)});
  try {
    connection->watch = loop_.Add(connection->fd.get(), EPOLLIN,
                                  [this, connection](std::uint32_t events) { OnEvent(connection, events); });
  } catch (const std::system_error& error) {
    sys::log::Warn("control: {}", error.what());
    connections_.erase(connection);
    return;
  }
  ExpectProgress(connection);
  if (may_ask) return;
  connection->answer = Refuse("only root and the server's own user may ask");
  if (!Write(*connection)) Close(connection);
}

void Server::Close(Iterator connection) {
  connections_.erase(connection);
  accepting_.Modify(EPOLLIN);
}

void Server::ExpectProgress(Iterator connection) {
  connection->deadline = loop_.At(sys::Now() + kPatience, [this, connection] {
    if (!connection->answer) {
      connection->answer = Refuse("no whole line has come in time");
      if (Write(*connection)) return ExpectProgress(connection);
    }
    Close(connection);
  });
}

void Server::OnEvent(Iterator connection, std::uint32_t events) {
  const bool asks = !connection->answer;
  if ((asks && !Read(*connection)) || (!asks && (events & (EPOLLHUP | EPOLLERR)) != 0))
    return Close(connection);
  if (!connection->answer) return;
  if (!Write(*connection)) return Close(connection);
  if (std::ranges::count_if(connections_, &Connection::waits) > static_cast<std::ptrdiff_t>(kMostWaiting)) {
    connection->answer = Refuse("as many watch as may: " + std::to_string(kMostWaiting));
    if (!Write(*connection)) return Close(connection);
  }
  connection->waits ? connection->deadline.Reset() : ExpectProgress(connection);
  if (connection->waits && !look_) look_ = loop_.At(sys::Now() + kLook, [this] { Look(); });
}

bool Server::Read(Connection& connection) {
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t got = ::recv(connection.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    connection.input.append(buffer.data(), static_cast<std::size_t>(got));
    const auto end = connection.input.find('\n');
    if (end <= kLongest) {
      connection.answer = answerer_(std::string_view(connection.input).substr(0, end));
    } else if (connection.input.size() > kLongest) {
      connection.answer = Refuse("a command is a line of at most " + std::to_string(kLongest) + " bytes");
    } else if (got == 0) {
      if (connection.input.empty()) return false;
      connection.answer = Refuse("a command ends with a newline");
    } else {
      continue;
    }
    return true;
  }
}

// False: all is said, or nobody listens.
bool Server::Write(Connection& connection) {
  constexpr int kAtOnce = 4;  // pieces; then it is the others' turn
  for (int pieces = 0;;) {
    if (connection.sent == connection.output.size()) {
      if (++pieces > kAtOnce) return connection.watch.Modify(EPOLLOUT), true;
      std::optional<std::string> more = connection.answer();
      if (!more) return false;
      connection.output = std::move(*more);
      connection.sent = 0;
      connection.waits = connection.output.empty();
      if (connection.waits) return connection.watch.Modify(0), true;
    }
    const ssize_t sent = ::send(connection.fd.get(), connection.output.data() + connection.sent,
                                connection.output.size() - connection.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent < 0) return connection.watch.Modify(EPOLLOUT), true;
    connection.sent += static_cast<std::size_t>(sent);
  }
}

void Server::Look() {
  look_.Reset();
  for (auto next = connections_.begin(); next != connections_.end();) {
    const auto connection = next++;
    if (connection->waits) OnEvent(connection, 0);
  }
}

sys::UniqueFd ListenAt(const std::string& path) {
  const mode_t before = ::umask(0177);
  try {
    sys::UniqueFd fd = ListenOrSucceed(path);
    ::umask(before);
    return fd;
  } catch (...) {
    ::umask(before);
    throw;
  }
}

}  // namespace hydrapool::control
