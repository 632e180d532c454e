#include "pool/sys/channel.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "pool/sys/error.h"

namespace hydrapool::sys {

std::pair<Channel, Channel> MakeChannel() {
  std::array<int, 2> ends;
  Check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), "socketpair");
  return {Channel(UniqueFd(ends[0])), Channel(UniqueFd(ends[1]))};
}

Channel::SendStatus Channel::Send(std::span<const std::byte> bytes, std::span<const int> descriptors) const {
  if (bytes.size() > kMaxPacket || descriptors.size() > kMaxDescriptors) std::abort();
  iovec data{const_cast<std::byte*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control;
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  for (;;) {
    if (::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return SendStatus::kSent;
    switch (errno) {
      case EINTR:
        continue;
      case EAGAIN:
      case ENOBUFS:
      case ENOMEM:
      case ETOOMANYREFS:
        return SendStatus::kFull;
      case EPIPE:
      case ECONNRESET:
      case ENOTCONN:
        return SendStatus::kBroken;
      default:
        ThrowErrno(errno, "sendmsg");
    }
  }
}

std::optional<Channel::Packet> Channel::Receive(std::span<std::byte> buffer) const { return Read(buffer, 0); }

std::optional<Channel::Packet> Channel::Peek(std::span<std::byte> buffer) const {
  return Read(buffer, MSG_PEEK);
}

void Channel::Discard() const {
  std::byte none{};
  while (::recv(fd_.get(), &none, sizeof none, MSG_DONTWAIT) < 0 && errno == EINTR) {
  }
}

std::optional<Channel::Packet> Channel::Read(std::span<std::byte> buffer, int flags) const {
  iovec data{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control;
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  // ECONNRESET says once that the other end was closed with messages of ours unread; what it had sent is
  // still to be read.
  ssize_t count;
  do {
    count = ::recvmsg(fd_.get(), &message, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (count < 0 && (errno == EINTR || errno == ECONNRESET));
  if (count < 0) {
    if (errno == EAGAIN) return std::nullopt;
    ThrowErrno(errno, "recvmsg");
  }
  Packet packet;
  packet.bytes = std::span<const std::byte>(buffer).first(static_cast<std::size_t>(count));
  packet.truncated = (message.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t descriptors = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < descriptors; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      packet.descriptors.emplace_back(fd);
    }
  }
  return packet;
}

}  // namespace hydrapool::sys
