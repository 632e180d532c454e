#pragma once

#include <cstdint>

namespace hydrapool {

/// The process that answers a lease's request, as its worker, the process itself before its exec, and the
/// parent see it.
struct ProcessWord {
  enum class State : std::uint8_t {
    kNone,
    kPreparing,  ///< a worker is about to start it; it must swap to kRunning before it may exec
    kRunning,    ///< it has passed the gate and will run whatever becomes of its worker
    kFailed,     ///< exec was refused; `value` is the errno
    kEnded,      ///< reaped by the parent; `value` is its exit code, or 256 + the signal that killed it
    kLeft,       ///< the request goes on, or is over, without it; the parent is about to be told
  };
  State state = State::kNone;
  std::int32_t value = 0;  ///< kRunning, kLeft: its pid

  /// One that answers the request, or did.
  [[nodiscard]] bool answers() const {
    return state == State::kRunning || state == State::kFailed || state == State::kEnded;
  }

  [[nodiscard]] std::uint64_t Pack() const {
    return std::uint64_t{static_cast<std::uint32_t>(value)} << 8 | static_cast<std::uint8_t>(state);
  }
  static ProcessWord Unpack(std::uint64_t word) {
    return {static_cast<State>(word & 0xff), static_cast<std::int32_t>(word >> 8)};
  }
};

}  // namespace hydrapool
