#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {

/// A pair of connected ends that carry messages with descriptors (SCM_RIGHTS over a SOCK_SEQPACKET
/// socketpair, unix(7)).
///
///     auto [mine, yours] = sys::MakeChannel();
///     mine.Send(bytes, fds);              // all of it or nothing
///     if (auto packet = yours.Receive(buffer)) ...
///
/// A packet is at most kMaxPacket bytes and kMaxDescriptors descriptors. What was sent stays readable after
/// the sender's death; what lies unread in a dead receiver's end is closed by the kernel, unless a process
/// else holds that end. Neither call blocks. Not for several threads.
class Channel {
 public:
  static constexpr std::size_t kMaxPacket = 4096;
  static constexpr std::size_t kMaxDescriptors = 250;  // SCM_MAX_FD is 253

  Channel() = default;
  explicit Channel(UniqueFd fd) : fd_(std::move(fd)) {}

  [[nodiscard]] int fd() const { return fd_.get(); }
  explicit operator bool() const { return static_cast<bool>(fd_); }
  void Close() { fd_.Reset(); }

  enum class SendStatus {
    kSent,
    kFull,   ///< try again later: no room, or too many descriptors in flight (EAGAIN, ENOBUFS, ETOOMANYREFS)
    kBroken  ///< it will never be received (EPIPE, ECONNRESET)
  };
  /// The descriptors stay the caller's in every case.
  SendStatus Send(std::span<const std::byte> bytes, std::span<const int> descriptors) const;

  struct Packet {
    std::span<const std::byte> bytes;  ///< within the buffer that Receive was given
    std::vector<UniqueFd> descriptors;
    bool truncated = false;  ///< descriptors were lost: this process is at its limit of open files
  };
  /// nullopt: nothing there. Zero bytes: the other end is closed and all has been received, or it sent none.
  std::optional<Packet> Receive(std::span<std::byte> buffer) const;
  /// The same, and the packet stays; each time its descriptors are others.
  std::optional<Packet> Peek(std::span<std::byte> buffer) const;
  /// Takes the next packet away, and its descriptors with it.
  void Discard() const;

 private:
  std::optional<Packet> Read(std::span<std::byte> buffer, int flags) const;

  UniqueFd fd_;
};

std::pair<Channel, Channel> MakeChannel();

}  // namespace hydrapool::sys
