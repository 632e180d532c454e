#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace hydrapool::sys {

/// Counts the bytes of a stream socket whose kernel side does not (a UNIX socket): how many were sent and how
/// many were taken, by whichever process, exact also when that process is killed in the middle of a call.
///
///     ledger.Send(fd, bytes, size, MSG_NOSIGNAL);   // as send(2), and counted
///     … the process is killed; another one …
///     ledger.sent();                                // exact, once it is reaped
///
/// It lies in shared memory, and it is the kernel that writes into it: sendmmsg(2) and recvmmsg(2) store a
/// message's length where they were told to before they return, and a process that is killed does not leave a
/// call half done (signals are delivered on the way back to its own code). Beside that length lies what was
/// moved before, in one word, so that no store in between counts a byte twice.
///
/// The counts are modulo 2^32. One process at a time. Not counted: what moves by other calls. Around such a
/// call (splice(2)) lie `Doubt` and `Believe`: a death in between leaves a count that cannot be believed.
class SocketLedger {
 public:
  /// As send(2), never waiting.
  ssize_t Send(int fd, const char* bytes, std::size_t size, int flags);
  /// Takes at most `most` bytes and drops them. As recv(2), never waiting.
  ssize_t Discard(int fd, std::size_t most);

  /// nullopt: a process died in the middle of something that was not counted.
  [[nodiscard]] std::optional<std::uint32_t> sent() const;
  [[nodiscard]] std::optional<std::uint32_t> taken() const;

  void Doubt() { doubtful_.store(true); }
  /// The call has returned, and moved so many bytes.
  void Believe(std::uint32_t sent, std::uint32_t taken);

  /// For a new connection.
  void Clear();

 private:
  /// struct mmsghdr, with its msg_len and the padding behind it as one word.
  struct Transfer {
    msghdr header{};
    std::atomic<std::uint64_t> count{0};  ///< low half: moved by the last call; high half: before it

    [[nodiscard]] std::uint32_t total() const;
    [[nodiscard]] ssize_t last() const;
    mmsghdr* Begin(iovec& piece);
  };
  static_assert(sizeof(Transfer) == sizeof(mmsghdr));
  static_assert(offsetof(Transfer, count) == offsetof(mmsghdr, msg_len));
  static_assert(std::endian::native == std::endian::little, "msg_len is the low half of the word");

  Transfer out_;
  Transfer in_;
  std::atomic<bool> doubtful_{false};
};

}  // namespace hydrapool::sys
