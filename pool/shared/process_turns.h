#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hydrapool {

/// Whom a process is for, as far as that is limited.
struct ProcessParty {
  std::uint32_t group = 0;   ///< programs that have a limit together; 0: none
  std::uint32_t client = 0;  ///< an address that has a limit; 0: none

  bool operator==(const ProcessParty&) const = default;
};

/// In a word of shared memory.
[[nodiscard]] constexpr std::uint64_t Packed(ProcessParty party) {
  return std::uint64_t{party.group} << 32 | party.client;
}
[[nodiscard]] constexpr ProcessParty UnpackedParty(std::uint64_t word) {
  return {.group = static_cast<std::uint32_t>(word >> 32), .client = static_cast<std::uint32_t>(word)};
}

/// Which place a request's process may have: one of the first `limit` of the whole pool, while its group and
/// its client have fewer than so many.
struct PlaceRules {
  std::size_t limit = 0;
  ProcessParty party{};
  std::uint32_t most_of_group = 0;   ///< counts where the party has a group
  std::uint32_t most_of_client = 0;  ///< counts where the party has a client
  /// The request's own process before this one, which has said its last: what it still has counts for
  /// nothing.
  pid_t before = 0;

  /// It is limited by more than the whole pool's places.
  [[nodiscard]] bool apart() const { return party.group != 0 || party.client != 0; }
  /// The least of its limits.
  [[nodiscard]] std::size_t Least() const;
};

/// Which of a request's own limits is reached.
enum class PartyLimit : std::uint8_t { kNone, kGroup, kClient };
[[nodiscard]] PartyLimit Reached(const PlaceRules& rules, std::span<const ProcessParty> running);

struct WaitingProcess {
  std::uint32_t slot = 0;
  PlaceRules rules{};
};

/// Whose turn it is, of those that wait in their order, where so many places are free: who must wait for its
/// own party holds up nobody else, and nobody passes one that could go. A pure function.
[[nodiscard]] std::vector<std::uint32_t> InTurn(std::size_t free, std::vector<ProcessParty> running,
                                                std::span<const WaitingProcess> waiting);

}  // namespace hydrapool
