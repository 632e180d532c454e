#include "pool/admin/client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "pool/admin/reply.h"
#include "pool/http/text.h"
#include "pool/sys/clock.h"
#include "pool/sys/socket.h"

namespace hydrapool::admin {
namespace {

constexpr std::size_t kMaxReply = 64 << 20;

/// 0 once `events` or an end came; ETIMEDOUT past the deadline.
int Await(int fd, short events, sys::Nanos deadline) {
  for (;;) {
    const sys::Nanos left = deadline - sys::Now();
    if (left <= 0) return ETIMEDOUT;
    pollfd waiting{fd, events, 0};
    const auto millis = static_cast<int>(std::min<sys::Nanos>(left / sys::kMillisecond + 1, 1000));
    const int ready = ::poll(&waiting, 1, millis);
    if (ready > 0) return 0;
    if (ready < 0 && errno != EINTR) return errno;
  }
}

int SendAll(int fd, std::string_view bytes, sys::Nanos deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (const int error = Await(fd, POLLOUT, deadline)) return error;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

sys::Result<Page> Receive(int fd, const std::string& what, sys::Nanos deadline) {
  std::string reply;
  std::array<char, 64 * 1024> buffer;
  for (;;) {
    if (const int error = Await(fd, POLLIN, deadline)) return sys::Failure(error, what);
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return sys::Failure(errno, what);
    reply.append(buffer.data(), static_cast<std::size_t>(got));
    if (auto page = ReadReply(reply, got == 0)) {
      if (!*page) return sys::Failure(what + ": " + page->error().message);
      return std::move(*page);
    }
    if (reply.size() > kMaxReply) return sys::Failure(EMSGSIZE, what);
  }
}

}  // namespace

sys::Result<Page> HttpGet(const std::string& host_port, const std::string& path,
                          std::chrono::milliseconds timeout) {
  const sys::Nanos deadline = sys::Now() + sys::ToNanos(timeout);
  const std::string what = "GET http://" + host_port + path;
  const auto fd = sys::Connect(host_port, timeout);
  if (!fd) return tl::unexpected(fd.error());
  const std::string host = host_port.starts_with("unix:") ? "localhost" : host_port;
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + host +
                              "\r\nUser-Agent: hydrapool\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  if (const int error = SendAll(fd->get(), request, deadline)) return sys::Failure(error, what);
  return Receive(fd->get(), what, deadline);
}

sys::Result<Page> HttpGet(const std::string& url, std::chrono::milliseconds timeout) {
  constexpr std::string_view kScheme = "http://";
  if (!http::EqualsIgnoringCase(std::string_view(url).substr(0, kScheme.size()), kScheme)) {
    return sys::Failure("'" + url + "' is not http://HOST[:PORT][/PATH]");
  }
  const auto slash = std::min(url.find('/', kScheme.size()), url.size());
  std::string host_port = url.substr(kScheme.size(), slash - kScheme.size());
  if (const auto colon = host_port.rfind(':'); colon == host_port.npos || host_port.ends_with(']'))
    host_port += ":80";
  return HttpGet(host_port, slash == url.size() ? "/" : url.substr(slash), timeout);
}

}  // namespace hydrapool::admin
