#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

#include "pool/sys/shared_memory.h"

namespace hydrapool {

/// Which lease a parent has in hand, so that one over which two parents crash is left alone by the third.
///
///     const auto hold = quarantine.Hold(slot);   // while something is done to this lease
///
///     if (const auto slot = quarantine.Judge(crashed)) …   // in a new parent, before it looks at any lease
///
/// In shared memory; the parent's thread only.
class Quarantine {
 public:
  static constexpr std::uint8_t kMostCrashes = 2;

  explicit Quarantine(std::size_t leases) : in_hand_(1), crashes_(leases) {}

  class InHand {
   public:
    InHand(std::atomic<std::uint32_t>& noted, std::uint32_t slot)
        : noted_(noted), before_(noted.load(std::memory_order_relaxed)) {
      Note(slot + 1);
    }
    /// It stays in hand where an exception ends the parent.
    ~InHand() {
      if (std::uncaught_exceptions() == unwinding_) Note(before_);
    }
    InHand(const InHand&) = delete;
    InHand& operator=(const InHand&) = delete;

   private:
    void Note(std::uint32_t value) {
      noted_.store(value, std::memory_order_relaxed);
      std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    std::atomic<std::uint32_t>& noted_;
    std::uint32_t before_;
    int unwinding_ = std::uncaught_exceptions();
  };
  [[nodiscard]] InHand Hold(std::uint32_t slot) const { return {in_hand_[0], slot}; }

  /// A new connection has this slot.
  void Forget(std::uint32_t slot) const { crashes_[slot] = 0; }

  /// The parent before has ended; `crashed`: by itself. The lease that it had in hand, if that was so in
  /// kMostCrashes crashes.
  [[nodiscard]] std::optional<std::uint32_t> Judge(bool crashed) const {
    const std::uint32_t noted = in_hand_[0].exchange(0);
    if (noted == 0 || noted > crashes_.size() || !crashed) return std::nullopt;
    const std::uint32_t slot = noted - 1;
    return ++crashes_[slot] >= kMostCrashes ? std::optional(slot) : std::nullopt;
  }

 private:
  sys::SharedArray<std::atomic<std::uint32_t>> in_hand_;  // one: slot + 1; 0: none
  sys::SharedArray<std::uint8_t> crashes_;                // by lease
};

}  // namespace hydrapool
