#pragma once

#include <cstdint>

#include "pool/shared/phase.h"

namespace hydrapool {

/// The word that is the truth about a lease, small enough for one atomic store.
struct LeaseWord {
  std::uint32_t steps = 0;       ///< steps completed on this connection
  std::uint32_t generation = 0;  ///< 24 bits; changes whenever the parent lends the lease again
  Phase phase = Phase::kFree;
  /// It was lent again in the middle of a request, and no worker has taken it up yet: the worker that swaps
  /// this away has it. (An idle lease can always be taken up.)
  bool offered = false;

  bool operator==(const LeaseWord&) const = default;

  static constexpr std::uint32_t kGenerationMask = 0xffffff;
  static constexpr std::uint8_t kOfferedBit = 0x80;
  [[nodiscard]] std::uint64_t Pack() const {
    return std::uint64_t{steps} << 32 | std::uint64_t{generation & kGenerationMask} << 8 |
           static_cast<std::uint8_t>(static_cast<std::uint8_t>(phase) | (offered ? kOfferedBit : 0));
  }
  static LeaseWord Unpack(std::uint64_t word) {
    return {static_cast<std::uint32_t>(word >> 32), static_cast<std::uint32_t>(word >> 8) & kGenerationMask,
            static_cast<Phase>(word & 0x7f), (word & kOfferedBit) != 0};
  }
};

/// One change of a connection: send `send` bytes and consume `consume` bytes, counted from where the step
/// before ended.
struct LeaseStep {
  std::uint64_t sent_base = 0;
  std::uint64_t consumed_base = 0;
  std::uint32_t send = 0;
  std::uint32_t consume = 0;
};

/// What a step arrives at, and where its bytes are.
struct StepEnd {
  Phase next = Phase::kIdle;
  /// The bytes to send lie in the lease's slab (and `spliced` of them in its process's output, or in its
  /// file).
  bool in_slab : 1 = false;
  bool from_file : 1 = false;  ///< the `spliced` bytes are those of the request's file
  bool once : 1 = false;       ///< its request must not run again
  bool interim : 1 = false;    ///< what it sends is no part of the answer
  bool begun : 1 = false;      ///< with it or a step before it, a part of its request's answer is sent
  std::uint8_t kind : 3 = 0;   ///< of the replies that the step completes, for the counters
  std::uint8_t requests = 0;   ///< how many it completes
};

}  // namespace hydrapool
