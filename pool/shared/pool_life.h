#pragma once

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "pool/shared/obituary_ring.h"
#include "pool/sys/clock.h"

namespace hydrapool {

enum class PoolStage : std::uint8_t {
  kServing,
  kDraining,  ///< no more connections; those that are open are answered, and close
  kLeaving,   ///< the workers were told to go, and are not replaced
  kStopped,
};

/// From the parent of one program to the first one of the next. Who changes it first decides: the next
/// parent, by taking over, or the one that paused, by going on because its supervisor has died.
enum class Handover : std::uint8_t {
  kNone,
  kAsked,  ///< the parent is to change nothing, for another program takes over
  kTaken,  ///< there is a next parent; the one before is to end
};

/// One that starts programs as another user (cgi/launch_server.h), or the one that keeps those.
struct LauncherLife {
  std::atomic<pid_t> pid{0};  ///< the last one's
  ObituaryRing obituaries;    ///< of its programs
};

/// A pool's own life, over all its parents; in shared memory.
struct PoolLife {
  // the supervisor's, or the parent's where there is none
  std::atomic<pid_t> supervisor{0};  ///< 0: none
  /// A supervisor has died before this one: there may be processes whose end is told by nothing (kinship.h).
  std::atomic<bool> orphans{false};
  std::atomic<std::uint32_t> terms{0};  ///< how often each was asked for
  std::atomic<std::uint32_t> quits{0};
  std::atomic<std::uint32_t> interrupts{0};
  ObituaryRing obituaries;
  std::atomic<pid_t> parent{0};             ///< the last it has started
  std::atomic<bool> parent_crashed{false};  ///< the last that has ended did so by itself
  std::atomic<std::uint32_t> program{
      0};                             ///< counts the programs that have served the pool, one after another
  std::atomic<bool> upgrades{false};  ///< the last program that was to follow came by USR2
  std::atomic<std::uint32_t> refused{0};  ///< programs that were to follow and could not
  std::atomic<std::uint32_t> workers{0};  ///< how many are wanted; also the parent's, where it is asked
  std::atomic<Handover> handover{Handover::kNone};
  std::atomic<int> oom_score{0};  ///< the supervisor's own: each program starts from it

  // the parent's
  std::atomic<sys::Nanos> beat{0};  ///< when its loop last came round
  std::atomic<bool> pauses{false};  ///< as it was told
  std::atomic<bool> serves{false};  ///< it has taken over, and accepts connections
  std::atomic<PoolStage> stage{PoolStage::kServing};
  std::atomic<sys::Nanos> notice_until{0};  ///< then it drains; it has said so already. 0: not told to
  std::atomic<sys::Nanos> drain_deadline{0};
  std::atomic<bool> closing{false};  ///< the listening sockets are closed, or about to be
  std::atomic<std::uint32_t> terms_obeyed{0};
  /// The listening sockets, by number in its table: one that the next program does not want is closed by the
  /// next parent, when all who wait in it have been let in.
  std::array<std::atomic<int>, 64> listeners{};

  static constexpr std::size_t kMostLaunchers = 8;
  std::array<LauncherLife, kMostLaunchers + 1> launchers{};  ///< the first is their keeper's
  [[nodiscard]] bool LaunchersTell() const {
    return std::ranges::any_of(launchers,
                               [](const auto& each) { return each.obituaries.Front().has_value(); });
  }
};

}  // namespace hydrapool
