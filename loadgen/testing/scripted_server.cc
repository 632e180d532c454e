#include "loadgen/testing/scripted_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "pool/sys/error.h"

namespace hydrapool::loadgen {
namespace {

enum class Then { kKeep, kClose, kReset, kStall, kKeepSlowly, kGoOn };

struct Reply {
  std::string bytes;
  Then then = Then::kKeep;
};

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nX-Worker: 3.7\r\nContent-Length: 3\r\n\r\nok\n";
constexpr std::string_view kCut = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
constexpr int kPieceMillis = 2;
/// "ok\n"
constexpr std::string_view kZipped(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xcf\xe6\x02\x00\x7d\x0e\x16\xda\x03\x00\x00\x00", 23);
constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\n";
constexpr std::string_view kChunks = "3\r\nok\n\r\n0\r\n\r\n";

/// A whole response whose head has these fields too.
std::string With(std::string_view fields, std::string_view body = "ok\n") {
  return fmt::format("{}{}\r\n{}", kHead, fields, body);
}

/// A head of `lines` fields of 1000 bytes, and a body.
std::string LongHead(int lines) {
  std::string fields = "Content-Length: 3\r\n";
  for (int i = 0; i < lines; ++i) fields += fmt::format("X-{:03}: {}\r\n", i, std::string(991, 'y'));
  return With(fields);
}

/// To /end.
Reply Redirect(std::string_view status) {
  return {fmt::format("HTTP/1.1 {}\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n", status)};
}

Reply Mishap(int received) {
  if (received % 7000 == 0) return {std::string(kCut), Then::kClose};
  if (received % 5000 == 0) return {std::string(kCut), Then::kStall};
  if (received % 1000 == 0) return {std::string(kCut), Then::kReset};
  return {std::string(kOk)};
}

/// By path.
const std::map<std::string, Reply>& Replies() {
  static const std::map<std::string, Reply> kReplies = {
      {"/ok", {std::string(kOk)}},
      {"/chunked", {With("x-worker: 3.7\r\nTransfer-Encoding: chunked\r\n", kChunks)}},
      {"/close-framed", {"HTTP/1.0 200 OK\r\nX-Worker: 3.7\r\n\r\nok\n", Then::kClose}},
      {"/continue", {"HTTP/1.1 100 Continue\r\n\r\n" + std::string(kOk)}},
      {"/500", {"HTTP/1.1 500 Sorry\r\nX-Worker: 3.7\r\nContent-Length: 0\r\n\r\n"}},
      {"/big", {"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'x')}},
      {"/reset-before", {"", Then::kReset}},
      {"/close-before", {"", Then::kClose}},
      {"/reset-in-head", {"HTTP/1.1 200 OK\r\nX-Wor", Then::kReset}},
      {"/reset-in-body", {std::string(kCut), Then::kReset}},
      {"/truncate-head", {"HTTP/1.1 200 OK\r\nX-Worker: 3.7\r\nX-Mor", Then::kClose}},
      {"/truncate-length", {std::string(kCut), Then::kClose}},
      {"/truncate-chunk", {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc", Then::kClose}},
      {"/truncate-last-chunk",
       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n", Then::kClose}},
      {"/stall-before", {"", Then::kStall}},
      {"/stall-body", {std::string(kCut), Then::kStall}},
      {"/then-close", {std::string(kOk), Then::kClose}},
      {"/then-reset", {std::string(kOk), Then::kReset}},
      {"/bad-chunk", {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc", Then::kClose}},
      {"/early-hints", {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + std::string(kOk)}},
      {"/slow", {std::string(kOk), Then::kKeepSlowly}},
      {"/excess", {std::string(kOk) + "and more"}},
      {"/stall-head", {"HTTP/1.1 200 OK\r\nX-Wor", Then::kStall}},
      {"/move", {"HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n"}},
      {"/301", Redirect("301 Moved Permanently")},
      {"/302", Redirect("302 Found")},
      {"/303", Redirect("303 See Other")},
      {"/307", Redirect("307 Temporary Redirect")},
      {"/308", Redirect("308 Permanent Redirect")},
      {"/end", {std::string(kOk)}},
      {"/gzip",
       {With(fmt::format("Content-Encoding: gzip\r\nContent-Length: {}\r\n", kZipped.size()), kZipped)}},
      {"/cookie", {"HTTP/1.1 200 OK\r\nSet-Cookie: id=7\r\nContent-Length: 3\r\n\r\nok\n"}},
      {"/garbage", {"SSH-2.0-OpenSSH_9.2\r\n", Then::kClose}},
      {"/101",
       {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", Then::kStall}},
      {"/no-status", {"HTTP/1.1 abc OK\r\nContent-Length: 3\r\n\r\nok\n"}},
      {"/no-space", {"HTTP/1.1 200OK\r\nContent-Length: 3\r\n\r\nok\n"}},
      {"/version-2", {"HTTP/2 200\r\nContent-Length: 3\r\n\r\nok\n"}},
      {"/old", {"hello, I have no head\n", Then::kClose}},
      {"/two-lengths", {With("Content-Length: 3\r\nContent-Length: 4\r\n")}},
      {"/same-lengths", {With("Content-Length: 3\r\nContent-Length: 3\r\n")}},
      {"/length-list", {With("Content-Length: 3, 3\r\n")}},
      {"/length-letters", {With("Content-Length: 3x\r\n")}},
      {"/length-overflow", {With("Content-Length: 99999999999999999999\r\n")}},
      {"/length-then-chunks", {With("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", kChunks)}},
      {"/chunks-then-length", {With("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", kChunks)}},
      {"/gzip-coding", {With("Transfer-Encoding: gzip, chunked\r\n", kChunks)}},
      {"/long-head", {LongHead(200)}},
      {"/too-long-head", {LongHead(400)}},
      {"/too-long-line", {With("X: " + std::string(120'000, 'y') + "\r\nContent-Length: 3\r\n")}},
      {"/folded", {With("X-A: b\r\n c\r\nContent-Length: 3\r\n")}},
      {"/space-before-colon", {With("Content-Length : 3\r\n")}},
      {"/bare-cr", {With("X-A: a\rb\r\nContent-Length: 3\r\n")}},
      {"/bare-lf", {"HTTP/1.1 200 OK\nContent-Length: 3\n\nok\n"}},
      {"/nul", {With(std::string("X-A: a\0b\r\n", 11) + "Content-Length: 3\r\n")}},
      {"/chunk-overflow", {With("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nok\n")}},
      {"/chunk-too-long", {With("Transfer-Encoding: chunked\r\n", "3\r\nok\nxx\r\n0\r\n\r\n")}},
      {"/trailer", {With("Transfer-Encoding: chunked\r\n", "3;a=b\r\nok\n\r\n0\r\nX-Worker: 9\r\n\r\n")}},
      {"/bad-trailer", {With("Transfer-Encoding: chunked\r\n", "3\r\nok\n\r\n0\r\nno field\r\n\r\n")}},
      {"/204-body", {"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nok\n"}},
      {"/304-body", {"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nok\n"}},
      {"/length-of-head", {With("Content-Length: 3\r\n", "")}},
      {"/continue-close", {"HTTP/1.1 100 Continue\r\n\r\n", Then::kClose}},
      {"/continue-reset", {"HTTP/1.1 100 Continue\r\n\r\n", Then::kReset}},
      {"/truncate-first-line", {"HTTP/1.1 20", Then::kClose}},
      {"/twice", {std::string(kOk) + std::string(kOk)}},
  };
  return kReplies;
}

/// `nth` counts the requests of the connection, `received` those for the path.
Reply ReplyTo(const std::string& path, int nth, int received) {
  if (path == "/endless-head") return {std::string(kHead), Then::kGoOn};
  if (path == "/endless-body") return {With("Connection: close\r\n", ""), Then::kGoOn};
  if (path == "/second-dies") return nth == 1 ? Reply{std::string(kOk)} : Reply{"", Then::kClose};
  if (path == "/mishaps") return Mishap(received);
  const auto found = Replies().find(path);
  return found != Replies().end() ? found->second : Reply{"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"};
}

/// 401 where the request has no credentials of that scheme.
Reply Guarded(const std::string& request, const std::string& scheme) {
  if (request.find("\r\nAuthorization: " + scheme + " ") != request.npos) return {std::string(kOk)};
  return {fmt::format(
      "HTTP/1.1 401 Who\r\nWWW-Authenticate: {} realm=\"r\", nonce=\"n\"\r\nContent-Length: 0\r\n\r\n",
      scheme)};
}

std::optional<std::string> ReadRequest(int fd) {
  std::string request;
  std::size_t whole = std::string::npos;
  char buffer[4096];
  while (request.size() < whole) {
    const auto n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) return std::nullopt;
    request.append(buffer, static_cast<std::size_t>(n));
    const auto head = request.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    const auto length = request.find("Content-Length: ");
    whole =
        head + 4 + (length < head ? static_cast<std::size_t>(std::atoi(request.c_str() + length + 16)) : 0);
  }
  return request;
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

/// Until the client leaves.
void SendForEver(int fd, std::string_view bytes) {
  while (SendAll(fd, bytes)) {
  }
}

/// Byte by byte, each in a packet of its own.
void SendSlowly(int fd, std::string_view bytes) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  for (const char& byte : bytes) {
    SendAll(fd, {&byte, 1});
    ::poll(nullptr, 0, kPieceMillis);
  }
}

/// Makes the close that follows a reset.
void ResetOnClose(int fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace

ScriptedServer::ScriptedServer()
    : listener_(sys::Check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  sys::Check(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), "bind");
  sys::Check(::listen(listener_.get(), 512), "listen");
  sys::Check(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

ScriptedServer::~ScriptedServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  for (auto& connection : connections_) connection.join();
}

std::string ScriptedServer::Url(std::string_view path) const {
  return fmt::format("http://127.0.0.1:{}{}", port_, path);
}

int ScriptedServer::Received(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = received_.find(path);
  return found == received_.end() ? 0 : found->second;
}

int ScriptedServer::Connections() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(connections_.size());
}

bool ScriptedServer::SawPort(int port) const {
  const std::lock_guard lock(mutex_);
  return ports_.contains(port);
}

std::string ScriptedServer::LastRequest() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

void ScriptedServer::Accept() {
  while (true) {
    const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (fd < 0) return;
    open_.push_back(fd);
    if (stopping_) ::shutdown(fd, SHUT_RDWR);
    connections_.emplace_back([this, fd] { Serve(fd); });
  }
}

int ScriptedServer::Note(const std::string& path, const std::string& request, int fd) {
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size);
  const std::lock_guard lock(mutex_);
  ++ports_[ntohs(peer.sin_port)];
  last_ = request;
  return ++received_[path];
}

void ScriptedServer::Serve(int fd) {
  for (int nth = 1;; ++nth) {
    const auto request = ReadRequest(fd);
    if (!request) break;
    const auto begin = request->find(' ') + 1;
    const auto path = request->substr(begin, request->find(' ', begin) - begin);
    const int received = Note(path, *request, fd);
    const auto reply = path == "/basic"    ? Guarded(*request, "Basic")
                       : path == "/digest" ? Guarded(*request, "Digest")
                                           : ReplyTo(path, nth, received);
    const bool slowly = reply.then == Then::kKeepSlowly;
    if (slowly) {
      SendSlowly(fd, reply.bytes);
    } else {
      SendAll(fd, reply.bytes);
    }
    if (reply.then == Then::kKeep || slowly) continue;
    if (reply.then == Then::kStall) ReadRequest(fd);
    if (reply.then == Then::kReset) ResetOnClose(fd);
    if (reply.then == Then::kGoOn) SendForEver(fd, "X-More: and more, and more, and more, and more\r\n");
    break;
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_, fd);
  ::close(fd);
}

}  // namespace hydrapool::loadgen
