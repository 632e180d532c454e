#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pool/shared/lease_word.h"
#include "pool/sys/clock.h"

namespace hydrapool {

/// A connection that carries nothing: between requests, or before its first.
struct Spare {
  std::uint32_t slot = 0;
  LeaseWord word = {};  ///< As it was seen: with another one it is no longer spare.
  sys::Nanos idle_since = 0;
  bool silent = true;  ///< It has never got an answer; a greeting and 100 Continue are none.
};

/// Which connections are closed first when all places are taken and a newcomer waits: first the ones that
/// never asked anything, then the ones idle longest; of `idle` at most `most`. Pure.
///
/// A place is made for each newcomer, but the search for it is one look at all leases (linear), so it is done
/// for many at once, and not again at once where it found none.
///
/// Closing such a connection breaks no promise: nothing of it waits in the socket when the parent has taken
/// the lease, and a client may lose a connection between requests at any time and must be ready to ask again
/// (RFC 9112, sections 9.3.1 and 9.5). What is left is what every server's keep-alive timeout leaves: a
/// request that is on the network at that very moment. It is rare, as a connection that came or got an answer
/// less than Timeouts::spare ago is left alone.
[[nodiscard]] std::vector<Spare> FirstToGo(std::vector<Spare> idle, std::size_t most);

}  // namespace hydrapool
