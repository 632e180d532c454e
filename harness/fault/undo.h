#pragma once

#include <cstdint>

#include "harness/fault/process_facts.h"
#include "harness/fault/targets.h"

namespace hydrapool::harness {

/// How to take back what a fault did to a process. A plain value: the guard gets it as bytes.
struct Undo {
  enum class Kind : std::uint8_t {
    kNothing,
    kContinue,  ///< It was stopped: SIGCONT.
    kLimit,     ///< It has a lower limit: the one that it had.
    kEnd,       ///< It is a helper of the injector's own: SIGKILL.
  };
  Kind kind = Kind::kNothing;
  Identity victim = {};
  int resource = 0;
  Limit limit = {};
};

/// True where the victim is as it was: it had been changed and is changed back, or it is gone. `pidfd` is the
/// victim's; a process that has its number by now is left alone.
bool TakeBack(const Undo& undo, int pidfd);

}  // namespace hydrapool::harness
