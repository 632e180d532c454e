#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "loadgen/plan/plan.h"

namespace hydrapool::loadgen {

/// How many requests a connection takes at a time: one until the server's SETTINGS say how many, none once it
/// is to be left.
///
///   one → Settle → as many as the plan and the server allow → Leave → none
class H2Room {
 public:
  explicit H2Room(const Wire& wire) : streams_(static_cast<std::size_t>(wire.streams)), most_(MostOf(wire)) {}

  /// Beside those that it carries.
  [[nodiscard]] std::size_t beside(std::size_t active) const {
    return active < capacity_ ? capacity_ - active : 0;
  }
  [[nodiscard]] bool leaving() const { return leaving_; }

  /// The server's SETTINGS: so many at a time. True: they are the connection's first.
  bool Settle(std::size_t allowed) {
    if (!leaving_) capacity_ = std::min(streams_, allowed);
    return !std::exchange(settled_, true);
  }
  /// It carries one more; it is left once it has carried as many as it may.
  void Carry() {
    if (++carried_ >= most_) Leave();
  }
  void Leave() {
    leaving_ = true;
    capacity_ = 0;
  }
  /// It was closed, and the next one is to be new.
  void Close() {
    capacity_ = leaving_ ? 0 : 1;
    carried_ = 0;
    settled_ = false;
  }

 private:
  static constexpr std::uint64_t kMostRequests = (1 << 30) - 2;  // stream ids are odd numbers of 31 bits
  static std::uint64_t MostOf(const Wire& wire) {
    if (!wire.keep_alive) return 1;
    return wire.reuse != 0 ? std::min<std::uint64_t>(wire.reuse, kMostRequests) : kMostRequests;
  }

  const std::size_t streams_;
  const std::uint64_t most_;
  std::size_t capacity_ = 1;
  std::uint64_t carried_ = 0;
  bool settled_ = false;
  bool leaving_ = false;
};

}  // namespace hydrapool::loadgen
