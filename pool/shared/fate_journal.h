#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pool/shared/phase.h"
#include "pool/sys/clock.h"
#include "pool/sys/shared_memory.h"

namespace hydrapool {

/// What the parent did with a connection that was left behind, mostly by a worker's death.
struct Fate {
  enum class Kind : std::uint8_t {
    kRescued,      ///< it goes on in another worker
    kLost,         ///< it ended without an answer
    kCut,          ///< it ended in the middle of one
    kAbandoned,    ///< its client is told that the request can be neither finished nor run again
    kPoison,       ///< its client is told that the request kills workers
    kUnavailable,  ///< its client was told that no worker came in time
  };
  static constexpr std::uint32_t kNoWorker = UINT32_MAX;

  sys::Nanos at = 0;                 ///< CLOCK_MONOTONIC; before the client can see any of it
  std::string peer = {};             ///< "127.0.0.1:40112"; "?" where it has gone
  std::uint32_t worker = kNoWorker;  ///< that held it: the slot,
  pid_t pid = 0;                     ///< and the process
  Phase phase = Phase::kIdle;        ///< it was in
  Kind kind = Kind::kRescued;
};
[[nodiscard]] std::string_view FateName(Fate::Kind kind);

/// The last fates of a pool's connections, so that a client that missed an answer can find out by its own
/// port which worker's death it was: every one that was lost, cut or answered by an excuse, and every one
/// that was rescued while a request was in hand. Idle ones that were rescued are only counted.
///
///     journal.Add({.at = now, .peer = "127.0.0.1:40112", .worker = 2, .pid = 4711, .kind = kLost});
///     for (const Fate& fate : journal.kept()) …
///
/// Keeps the last kMost and counts the rest. Not promised: what a living worker cuts by itself (a CGI program
/// that broke off, a client that does not read); that is in no death's account. In shared memory, for the
/// next parent too. The parent's alone; one thread.
class FateJournal {
 public:
  static constexpr std::size_t kMost = 4096;

  void Add(Fate fate);
  [[nodiscard]] std::vector<Fate> kept() const;  ///< Oldest first.
  [[nodiscard]] std::uint64_t total() const { return shared_[0].total; }

 private:
  static constexpr std::size_t kLongestPeer = 63;
  struct Entry {  // without initialisers, so that pages which are never used cost nothing
    sys::Nanos at;
    std::uint32_t worker;
    pid_t pid;
    Phase phase;
    Fate::Kind kind;
    std::array<char, kLongestPeer + 1> peer;
  };
  struct Shared {
    std::uint64_t total;
    std::array<Entry, kMost> entries;
  };
  sys::SharedArray<Shared> shared_{1};
};

}  // namespace hydrapool
