#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "hydrapool/connection.h"

namespace hydrapool {

/// What is kept of a request until it is answered: shared memory of its connection, kDocketBytes. First
/// written, then opened; open until the request is over, whoever answers it.
class Docket {
 public:
  Docket(std::span<std::byte> bytes, std::atomic<std::uint64_t>& open_for, std::uint64_t request)
      : bytes_(bytes), open_for_(open_for), request_(request) {}

  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
  /// It tells of the request in hand: this worker has opened it, or one that died over the same request.
  /// (What a dead one has left open is of the request that comes next, whatever its number.)
  [[nodiscard]] bool open() const {
    const std::uint64_t open = open_for_.load(std::memory_order_relaxed);
    return open != 0 && (request_ == 0 || open == request_);
  }
  void Open() const { open_for_.store(std::max<std::uint64_t>(request_, 1), std::memory_order_release); }

 private:
  std::span<std::byte> bytes_;
  std::atomic<std::uint64_t>& open_for_;
  std::uint64_t request_;  // its number; 0: not known yet
};

/// What has become of a request whose docket is open.
struct Answered {
  std::uint64_t total_sent = 0;  ///< on the connection
  bool cut = false;              ///< the answer is not whole: its client has left, or it broke off
  std::optional<int> process_end =
      {};  ///< of the request's process, if it has ended: its code, or 256 + signal
};

/// Who is told of a worker's answers (WorkerInternals::watcher).
class AnswerWatcher {
 public:
  /// An answer is about to be sent, and begins so; also one that no handler made. Empty where the request's
  /// process says all of it. Again for each further step of it.
  virtual void OnAnswering(Connection& connection, std::string_view first_bytes) = 0;
  /// The request whose docket is open goes to another worker, and not because this one dies.
  virtual void OnPassedOn(Connection& connection) = 0;
  /// The request whose docket is open is answered: all of it is the kernel's, but its last step is not
  /// committed. Called at least once, and in a second worker only where the first died in it.
  virtual void OnAnswered(Connection& connection, const Answered& answered) = 0;

 protected:
  ~AnswerWatcher() = default;
};

}  // namespace hydrapool
