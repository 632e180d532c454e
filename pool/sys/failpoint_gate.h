#pragma once

#include <atomic>
#include <cstdint>

#include "pool/sys/error.h"

namespace hydrapool::sys {

/// A file by which another process says when a failpoint strikes (failpoint.h, `NAME=stop@/FILE`): it holds
/// this, all zero at first.
///
///     auto gate = MapFailpointGate("/tmp/gate");
///     (*gate)->passes = 1;                 // the next process that comes by is struck, and no other
///     … (*gate)->struck … SIGCONT …
struct FailpointGate {
  std::atomic<std::uint64_t> armed;   ///< 1: a program has read its setting, and has such points.
  std::atomic<std::uint64_t> passes;  ///< So many are struck yet; each takes one off.
  std::atomic<std::uint64_t> struck;  ///< The pid of the last, noted just before.
};

/// Maps a file that is large enough, for good. An Error says why it cannot be opened.
[[nodiscard]] Result<FailpointGate*> MapFailpointGate(const char* path);

}  // namespace hydrapool::sys
