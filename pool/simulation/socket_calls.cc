// System calls on sockets.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "pool/simulation/system_call.h"

using namespace hydrapool;
using namespace hydrapool::simulation;

namespace {

void GiveAddress(const Call& call, std::uint16_t port, sockaddr* address, socklen_t* size) {
  if (call.world.weather.network.unix_sockets) {
    sockaddr_un path{};
    path.sun_family = AF_UNIX;
    constexpr std::size_t kListener = 80;  // its clients have no names
    if (port == kListener) std::strcpy(path.sun_path, "/run/pool");
    const auto whole = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + (port == kListener ? 10 : 0));
    std::memcpy(address, &path, std::min(whole, *size));
    *size = whole;
    return;
  }
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  local.sin_port = htons(port);
  std::memcpy(address, &local, std::min<std::size_t>(sizeof local, *size));
  *size = sizeof local;
}

int GetOption(const TcpConnection& connection, int level, int name, void* value, socklen_t* size) {
  if (level == IPPROTO_TCP && connection.is_unix()) return -EOPNOTSUPP;
  if (level == IPPROTO_TCP && name == TCP_INFO) {
    const tcp_info info = connection.Info();
    *size = std::min<socklen_t>(*size, sizeof info);
    std::memcpy(value, &info, *size);
    return 0;
  }
  const int none = 0;
  std::memcpy(value, &none, sizeof none);
  return 0;
}

ssize_t SendPacket(const Call& call, PacketEnd& end, const msghdr* message) {
  PacketEnd::Packet packet;
  for (std::size_t i = 0; i < message->msg_iovlen; ++i)
    packet.bytes.append(static_cast<const char*>(message->msg_iov[i].iov_base), message->msg_iov[i].iov_len);
  if (const cmsghdr* header = CMSG_FIRSTHDR(message); header != nullptr) {
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      packet.files.push_back(call.Get(fd));
      if (packet.files.back() == nullptr) return -EBADF;
    }
  }
  const auto size = static_cast<ssize_t>(packet.bytes.size());
  const int result = end.Send(std::move(packet));
  return result < 0 ? result : size;
}

ssize_t ReceivePacket(const Call& call, PacketEnd& end, msghdr* message, bool peek) {
  bool lost = false;
  auto packet = peek ? end.Peek(lost) : end.Receive(lost);
  if (lost) return -ECONNRESET;
  if (!packet) return -EAGAIN;
  const std::size_t size = std::min(packet->bytes.size(), message->msg_iov[0].iov_len);
  std::memcpy(message->msg_iov[0].iov_base, packet->bytes.data(), size);
  if (packet->files.empty()) {
    message->msg_controllen = 0;
    return static_cast<ssize_t>(size);
  }
  cmsghdr* const header = CMSG_FIRSTHDR(message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(packet->files.size() * sizeof(int));
  for (std::size_t i = 0; i < packet->files.size(); ++i) {
    const int fd = call.world.Install(std::move(packet->files[i]));
    std::memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
  }
  message->msg_controllen = CMSG_SPACE(packet->files.size() * sizeof(int));
  return static_cast<ssize_t>(size);
}

// TCP_CM_INQ.
ssize_t PeekWithCount(TcpConnection& connection, msghdr* message) {
  auto* const into = static_cast<char*>(message->msg_iov[0].iov_base);
  const int waiting = static_cast<int>(connection.WaitingWithEnd());
  const ssize_t count = connection.Receive(into, message->msg_iov[0].iov_len, true);
  if (count < 0) return count;
  cmsghdr* const header = CMSG_FIRSTHDR(message);
  header->cmsg_level = IPPROTO_TCP;
  header->cmsg_type = TCP_CM_INQ;
  header->cmsg_len = CMSG_LEN(sizeof waiting);
  std::memcpy(CMSG_DATA(header), &waiting, sizeof waiting);
  return count;
}

}  // namespace

extern "C" {

int __real_accept4(int fd, sockaddr* address, socklen_t* size, int flags);
int __wrap_accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  if (!Simulated(fd)) return __real_accept4(fd, address, size, flags);
  const Call call("accept4", fd);
  const auto listener = call.Get<Listener>(fd);
  if (listener == nullptr) return Returned(-EBADF);
  if (listener->backlog.empty()) return Returned(-EAGAIN);
  auto file = std::make_shared<TcpFile>(std::move(listener->backlog.front()));
  listener->backlog.pop_front();
  return call.world.Install(std::move(file));
}

ssize_t __real_recv(int fd, void* into, std::size_t size, int flags);
ssize_t __wrap_recv(int fd, void* into, std::size_t size, int flags) {
  if (!Simulated(fd)) return __real_recv(fd, into, size, flags);
  const Call call("recv", PortOf(fd), flags);
  if (const auto end = call.Get<PacketEnd>(fd)) {
    bool lost = false;
    return Returned<ssize_t>(end->Receive(lost) ? 1 : -EAGAIN);
  }
  const auto file = call.Get<TcpFile>(fd);
  if (file == nullptr) return Returned<ssize_t>(-EBADF);
  if (call.Interrupted()) return Returned<ssize_t>(-EINTR);
  const bool peek = (flags & MSG_PEEK) != 0;
  if (const std::size_t taken = peek ? 0 : call.world.faults.TakenBefore(size); taken > 0)
    return static_cast<ssize_t>(taken);
  return Returned(file->connection->Receive(static_cast<char*>(into), peek ? size : call.Part(size), peek));
}

ssize_t __real_send(int fd, const void* bytes, std::size_t size, int flags);
ssize_t __wrap_send(int fd, const void* bytes, std::size_t size, int flags) {
  if (!Simulated(fd)) return __real_send(fd, bytes, size, flags);
  const Call call("send", PortOf(fd), static_cast<std::int64_t>(size));
  TcpFile* const file = call.Get<TcpFile>(fd).get();
  if (file == nullptr) return Returned<ssize_t>(-EBADF);
  if (call.Interrupted()) return Returned<ssize_t>(-EINTR);
  call.world.faults.BeforeSend(*file->connection);
  return Returned(file->connection->Send(static_cast<const char*>(bytes), call.Part(size)));
}

// As the kernel has it: a message's length is stored before the call returns, and nothing where it fails.
int __real_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags);
int __wrap_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (!Simulated(fd)) return __real_sendmmsg(fd, messages, count, flags);
  const iovec& piece = *messages->msg_hdr.msg_iov;
  const Call call("sendmmsg", PortOf(fd), static_cast<std::int64_t>(piece.iov_len));
  const auto file = call.Get<TcpFile>(fd);
  if (file == nullptr || !file->connection->is_unix()) return Returned(-EBADF);
  if (call.Interrupted()) return Returned(-EINTR);
  call.world.faults.BeforeSend(*file->connection);
  const ssize_t sent =
      file->connection->Send(static_cast<const char*>(piece.iov_base), call.Part(piece.iov_len));
  if (sent < 0) return Returned(static_cast<int>(sent));
  if (call.world.faults.Is(Fault::kCountedLate)) call.world.Pass("counts");
  messages->msg_len = static_cast<unsigned>(sent);
  return 1;
}

int __real_recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout);
int __wrap_recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  if (!Simulated(fd)) return __real_recvmmsg(fd, messages, count, flags, timeout);
  const iovec& piece = *messages->msg_hdr.msg_iov;
  const Call call("recvmmsg", PortOf(fd), static_cast<std::int64_t>(piece.iov_len));
  const auto file = call.Get<TcpFile>(fd);
  if (file == nullptr || !file->connection->is_unix()) return Returned(-EBADF);
  if (call.Interrupted()) return Returned(-EINTR);
  ssize_t taken = static_cast<ssize_t>(call.world.faults.TakenBefore(piece.iov_len));
  if (taken == 0)
    taken = file->connection->Receive(static_cast<char*>(piece.iov_base), call.Part(piece.iov_len), false);
  if (taken < 0) return Returned(static_cast<int>(taken));
  if (call.world.faults.Is(Fault::kCountedLate)) call.world.Pass("counts");
  messages->msg_len = static_cast<unsigned>(taken);
  return 1;
}

ssize_t __real_sendmsg(int fd, const msghdr* message, int flags);
ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  if (!Simulated(fd)) return __real_sendmsg(fd, message, flags);
  const Call call("sendmsg", fd);
  const auto end = call.Get<PacketEnd>(fd);
  return Returned<ssize_t>(end ? SendPacket(call, *end, message) : -EBADF);
}

ssize_t __real_recvmsg(int fd, msghdr* message, int flags);
ssize_t __wrap_recvmsg(int fd, msghdr* message, int flags) {
  if (!Simulated(fd)) return __real_recvmsg(fd, message, flags);
  const Call call("recvmsg", fd);
  if (const auto end = call.Get<PacketEnd>(fd))
    return Returned(ReceivePacket(call, *end, message, (flags & MSG_PEEK) != 0));
  const auto file = call.Get<TcpFile>(fd);
  return Returned<ssize_t>(file ? PeekWithCount(*file->connection, message) : -EBADF);
}

int __real_socketpair(int domain, int type, int protocol, int* ends);
int __wrap_socketpair(int domain, int type, int protocol, int* ends) {
  if (!Simulated()) return __real_socketpair(domain, type, protocol, ends);
  const Call call("socketpair");
  auto a = std::make_shared<PacketEnd>(call.world.weather.packets);
  auto b = std::make_shared<PacketEnd>(call.world.weather.packets);
  PacketEnd::Connect(*a, *b);
  ends[0] = call.world.Install(std::move(a));
  ends[1] = call.world.Install(std::move(b));
  return 0;
}

int __real_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how) {
  if (!Simulated(fd)) return __real_shutdown(fd, how);
  const Call call("shutdown", PortOf(fd), how);
  const auto file = call.Get<TcpFile>(fd);
  return Returned(file ? file->connection->ShutdownWrite() : -EBADF);
}

int __real_connect(int fd, const sockaddr* address, socklen_t size);
int __wrap_connect(int fd, const sockaddr* address, socklen_t size) {
  if (!Simulated(fd)) return __real_connect(fd, address, size);
  const Call call("disconnect", PortOf(fd));
  const auto file = call.Get<TcpFile>(fd);
  if (file == nullptr || address->sa_family != AF_UNSPEC || file->connection->is_unix())
    return Returned(-EINVAL);
  file->connection->Disconnect();
  return 0;
}

int __real_getsockopt(int fd, int level, int name, void* value, socklen_t* size);
int __wrap_getsockopt(int fd, int level, int name, void* value, socklen_t* size) {
  if (!Simulated(fd)) return __real_getsockopt(fd, level, name, value, size);
  const Call call("getsockopt", fd, name);
  if (level == SOL_SOCKET && name == SO_PROTOCOL) {  // of listeners too
    const int protocol = call.world.weather.network.unix_sockets ? 0 : IPPROTO_TCP;
    std::memcpy(value, &protocol, sizeof protocol);
    return 0;
  }
  const bool listens = call.Get<Listener>(fd) != nullptr;
  const auto file = call.Get<TcpFile>(fd);
  if (level == SOL_SOCKET && (name == SO_TYPE || name == SO_ACCEPTCONN)) {
    if (!listens && file == nullptr) return Returned(-ENOTSOCK);
    const int answer = name == SO_TYPE ? static_cast<int>(SOCK_STREAM) : static_cast<int>(listens);
    std::memcpy(value, &answer, sizeof answer);
    return 0;
  }
  return Returned(file ? GetOption(*file->connection, level, name, value, size) : -ENOPROTOOPT);
}

int __real_setsockopt(int fd, int level, int name, const void* value, socklen_t size);
int __wrap_setsockopt(int fd, int level, int name, const void* value, socklen_t size) {
  if (!Simulated(fd)) return __real_setsockopt(fd, level, name, value, size);
  const Call call("setsockopt", fd, name);
  const auto file = call.Get<TcpFile>(fd);
  if (file == nullptr) return Returned(-EBADF);
  int number = 0;
  std::memcpy(&number, value, sizeof number);
  if (level == SOL_SOCKET && name == SO_RCVBUF)
    file->connection->SetReceiveBuffer(static_cast<std::size_t>(number));
  return 0;
}

int __real_getpeername(int fd, sockaddr* address, socklen_t* size);
int __wrap_getpeername(int fd, sockaddr* address, socklen_t* size) {
  if (!Simulated(fd)) return __real_getpeername(fd, address, size);
  const Call call("getpeername", fd);
  const auto file = call.Get<TcpFile>(fd);
  if (file == nullptr) return Returned(-EBADF);
  GiveAddress(call, file->connection->port(), address, size);
  return 0;
}

int __real_getsockname(int fd, sockaddr* address, socklen_t* size);
int __wrap_getsockname(int fd, sockaddr* address, socklen_t* size) {
  if (!Simulated(fd)) return __real_getsockname(fd, address, size);
  const Call call("getsockname", fd);
  GiveAddress(call, 80, address, size);
  return 0;
}

}  // extern "C"
