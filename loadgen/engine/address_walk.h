#pragma once

#include <cstddef>
#include <limits>
#include <optional>

#include "loadgen/engine/endpoint.h"
#include "loadgen/plan/plan.h"
#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// Which of a host's addresses a request's connection tries, and for how long.
///
/// They are tried one after the other, each for a quarter of a second (RFC 8305's connection attempt delay).
/// Those that were given up for want of time are tried once more, as long as the request has time. The one
/// that answers is the first that the next walk tries.
///
///     walk.Begin(endpoint, sent);
///     while (true) {
///       connect(walk.address());            // until walk.Due(…)
///       if (it answers) { walk.Connected(); break; }
///       if (!walk.Next(it only took too long)) break;
///     }
///
/// No system calls, no clock. The endpoint must outlive the walk.
class AddressWalk {
 public:
  /// Who has many attempts under way looks at them so rarely.
  static constexpr sys::Nanos kBetweenLooks = 10 * sys::kMillisecond;
  static constexpr sys::Nanos kNever = std::numeric_limits<sys::Nanos>::max();

  explicit AddressWalk(const Wire& wire) : wire_(wire) {}

  /// `sent`: when the request was handed to the engine.
  void Begin(Endpoint& endpoint, sys::Nanos sent);
  [[nodiscard]] bool has_address() const { return endpoint_ != nullptr && !endpoint_->addresses.empty(); }
  [[nodiscard]] const Address& address() const { return endpoint_->addresses[index()]; }
  /// Why there is none.
  [[nodiscard]] const std::string& error() const { return endpoint_->error; }

  /// Until when an attempt that begins at `now` may take; kNever: as long as the request.
  [[nodiscard]] sys::Nanos Due(sys::Nanos now) const;
  /// Until when all of connecting may take, TLS too; kNever: as long as the request.
  [[nodiscard]] sys::Nanos End() const {
    return wire_.connect_timeout == 0 ? kNever : sent_ + wire_.connect_timeout;
  }
  /// The time for connecting is over: no further address is to be tried.
  [[nodiscard]] bool IsOver(sys::Nanos now) const { return now >= End(); }
  /// The attempt failed; `too_slow`: for want of time. Whether there is another address to try.
  bool Next(bool too_slow);
  void Connected() { endpoint_->preferred = index(); }
  /// Nothing answered as long as there was time: the next walk begins elsewhere.
  void GaveUp() { endpoint_->preferred = (index() + 1) % endpoint_->addresses.size(); }

 private:
  [[nodiscard]] std::size_t index() const { return (first_ + tried_) % endpoint_->addresses.size(); }

  const Wire& wire_;
  Endpoint* endpoint_ = nullptr;
  sys::Nanos sent_ = 0;
  std::size_t first_ = 0;
  std::size_t tried_ = 0;
  bool too_slow_ = false;  // one of those that were tried
};

}  // namespace hydrapool::loadgen
