#include "loadgen/engine/curl/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace hydrapool::loadgen {

int CurlSockets::Open(const curl_sockaddr& to) {
  const int fd = ::socket(to.family, to.socktype | SOCK_CLOEXEC, to.protocol);
  if (fd < 0) return fd;
  if (const int error_number = sources_.Bind(fd, to.family); error_number != 0) {
    ::close(fd);
    errno = error_number;
    return -1;
  }
  const auto index = static_cast<std::size_t>(fd);
  if (index >= opened_.size()) opened_.resize(index + 64);
  opened_[index] = {.at = sys::Now(), .address = counts_.Opened(&to.addr, to.addrlen)};
  poller_.Forget(fd);
  return fd;
}

int CurlSockets::Close(int fd) {
  if (watch_ends_) {
    pollfd ended{.fd = fd, .events = POLLRDHUP, .revents = 0};
    closed_had_ended_ = ::poll(&ended, 1, 0) > 0;
  }
  Count(fd, sys::Now());
  poller_.Forget(fd);
  return ::close(fd);
}

void CurlSockets::Count(int fd, sys::Nanos now) {
  const sys::Nanos opened_at = std::exchange(OpenedAs(fd).at, 0);
  if (opened_at != 0) counts_.Ended(fd, opened_at, now);
}

bool CurlSockets::IsConnecting(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_SYN_SENT;
}

void CurlSockets::CountOpen(sys::Nanos now) {
  for (std::size_t fd = 0; fd < opened_.size(); ++fd) Count(static_cast<int>(fd), now);
}

}  // namespace hydrapool::loadgen
