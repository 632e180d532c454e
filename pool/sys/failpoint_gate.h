#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>

#include "pool/sys/error.h"

namespace hydrapool::sys {

/// A file by which another process says when a failpoint strikes (failpoint.h, `NAME=stop@/FILE`): it holds
/// this, all zero at first. With `stop`, who is struck waits in the gate until it is let go.
///
///     auto gate = MapFailpointGate("/tmp/gate");
///     (*gate)->Open();                     // the next process that comes by is struck, and no other
///     … (*gate)->inside() → 4711 …
///     (*gate)->Close();                    // it goes on
///
/// One word is all: closed, open, or the pid of whom it has struck. A process takes its place by one swap, so
/// there is no moment at which it is struck and not yet known; and no signal lets it go, which could reach
/// another process of that number.
struct FailpointGate {
  std::atomic<std::uint32_t> armed;  ///< 1: a program has read its setting, and has such points.
  std::atomic<std::uint32_t> word;

  static constexpr std::uint32_t kClosed = 0;
  static constexpr std::uint32_t kOpen = ~0u;

  /// Who waits in it goes on, also by the following.
  void Open() { Set(kOpen); }
  void Close() { Set(kClosed); }
  /// False: somebody is inside.
  bool CloseIfEmpty();
  /// The place of `pid`, which has died in it, is free again.
  void Free(pid_t pid);
  /// Whom it has struck since it was opened; 0: nobody.
  [[nodiscard]] pid_t inside() const;

  /// By who passes the point. False: it is not open.
  bool Enter();
  /// Until it is let go.
  void Wait();

 private:
  void Set(std::uint32_t value);
};

/// Maps a file that is large enough, for good. An Error says why it cannot be opened.
[[nodiscard]] Result<FailpointGate*> MapFailpointGate(const char* path);

}  // namespace hydrapool::sys
