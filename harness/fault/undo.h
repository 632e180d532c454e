#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "harness/fault/process_facts.h"
#include "harness/fault/targets.h"
#include "harness/fault/victim_group.h"

namespace hydrapool::harness {

/// How to take back what a fault did to a process. A plain value: the guard gets it as bytes.
struct Undo {
  enum class Kind : std::uint8_t {
    kNothing,
    kContinue,   ///< It was stopped: SIGCONT.
    kLimit,      ///< It has a lower limit: the one that it had.
    kEnd,        ///< It is a helper of the injector's own: SIGKILL.
    kTerm,       ///< It has taken the place of a server that the harness has started: SIGTERM.
    kNetwork,    ///< The network of this process is hurt (network_harm.h): `path` is the name of the harm.
    kRemove,     ///< A file fills a disk: `path`.
    kGroup,      ///< It is in a group that is short of something (victim_group.h): `path`, and `from`.
    kTrap,       ///< A worker may stand still in a trap (trap.h): `path`.
    kRemoveAll,  ///< A directory of the run's own: `path`.
  };
  static constexpr std::size_t kLongestPath = 255;
  using Path = std::array<char, kLongestPath + 1>;
  Kind kind = Kind::kNothing;
  Identity victim = {};
  int resource = 0;
  Limit limit = {};
  Path path = {};
  Path from = {};
  Scarce scarce = Scarce::kMemory;

  /// False: it is too long.
  static bool Note(const std::string& text, Path& path);
};

/// Of what is taken back by kGroup.
[[nodiscard]] VictimGroup GroupOf(const Undo& undo);

/// True where the victim (or the network, the disk or the directory) is as it was: it had been changed and is
/// changed back, or it is gone. `pidfd` is the victim's; a process that has its number by now is left alone.
bool TakeBack(const Undo& undo, int pidfd);

}  // namespace hydrapool::harness
