#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hydrapool {

/// Where a lease is in its life. The kernel keeps the bytes in all of them.
///
///   free → idle → reading → responding → idle … → closing → closed → free
///                    └→ executing (⇄ feeding, responding) → …
enum class Phase : std::uint8_t {
  kFree,       ///< no connection's
  kIdle,       ///< between requests: anyone who swaps it to kReading with the right generation may have it
  kReading,    ///< a worker looks at the bytes; nothing has been sent or consumed, so it can be done again
  kExecuting,  ///< a request was started that a process of its own answers, or that may be run again
  kExecutingOnce,  ///< a request was started that must not be run again; its bytes are consumed
  kFeeding,        ///< a step is on its way: consuming the request's body into its process
  kResponding,     ///< a step is on its way: sending, then consuming
  kClosing,        ///< the last byte is sent; the end is to be shut down and the peer's awaited
  kClosed,         ///< the worker is done with it; the parent may free it
};

/// The four names by which phases are reported: idle, reading, executing, responding (closing counts as
/// idle).
std::string_view PhaseName(Phase phase);
inline constexpr std::array<std::string_view, 4> kPhaseNames{"idle", "reading", "executing", "responding"};
std::size_t PhaseIndex(Phase phase);

}  // namespace hydrapool
