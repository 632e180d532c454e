#include "pool/sys/socket_ledger.h"

#include <algorithm>
#include <array>

namespace hydrapool::sys {

std::uint32_t SocketLedger::Transfer::total() const {
  const std::uint64_t word = count.load();
  return static_cast<std::uint32_t>(word >> 32) + static_cast<std::uint32_t>(word);
}

mmsghdr* SocketLedger::Transfer::Begin(iovec& piece) {
  count.store(std::uint64_t{total()} << 32);
  header = {};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  return reinterpret_cast<mmsghdr*>(this);
}

ssize_t SocketLedger::Send(int fd, const char* bytes, std::size_t size, int flags) {
  iovec piece{const_cast<char*>(bytes), size};
  const int done = ::sendmmsg(fd, out_.Begin(piece), 1, flags | MSG_DONTWAIT);
  return done < 0 ? -1 : out_.last();
}

ssize_t SocketLedger::Discard(int fd, std::size_t most) {
  std::array<char, 16 * 1024> dropped;
  iovec piece{dropped.data(), std::min(most, dropped.size())};
  const int done = ::recvmmsg(fd, in_.Begin(piece), 1, MSG_DONTWAIT, nullptr);
  return done < 0 ? -1 : in_.last();
}

ssize_t SocketLedger::Transfer::last() const { return static_cast<std::uint32_t>(count.load()); }

std::optional<std::uint32_t> SocketLedger::sent() const {
  return doubtful_.load() ? std::nullopt : std::optional(out_.total());
}

std::optional<std::uint32_t> SocketLedger::taken() const {
  return doubtful_.load() ? std::nullopt : std::optional(in_.total());
}

void SocketLedger::Believe(std::uint32_t sent, std::uint32_t taken) {
  out_.count.store(std::uint64_t{out_.total() + sent} << 32);
  in_.count.store(std::uint64_t{in_.total() + taken} << 32);
  doubtful_.store(false);
}

void SocketLedger::Clear() {
  out_.count.store(0);
  in_.count.store(0);
  doubtful_.store(false);
}

}  // namespace hydrapool::sys
