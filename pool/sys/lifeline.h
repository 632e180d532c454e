#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {

/// Ends processes together with the last of those they depend on, whoever their parents are.
///
///     Lifeline line;                                   // in the process that others depend on
///     line.CloseUpper();                               // in the dependent one, after its fork
///     Lifeline::Tie(line.PathOfLower(), ::getpid());   // from now on: SIGKILL when nobody holds the upper
///     end
///
/// A pipe: the kernel sends the signal when the write end's last holder has gone, within a fraction of a
/// millisecond and also to a process that never looks (fcntl(2), O_ASYNC and F_SETSIG). PR_SET_PDEATHSIG
/// cannot do that: it tells of one parent, and fires at a parent's orderly end too.
class Lifeline {
 public:
  Lifeline();
  /// One that was made before, of which these are the ends.
  Lifeline(UniqueFd upper, UniqueFd lower) : upper_(std::move(upper)), lower_(std::move(lower)) {}

  [[nodiscard]] int upper() const { return upper_.get(); }
  [[nodiscard]] int lower() const { return lower_.get(); }
  void CloseUpper() { upper_.Reset(); }
  /// Tie opens the pipe anew, which else only the user may who has made it. Never for writing.
  void LetAnyUserTie() const;
  /// By which a process that has inherited the lower end finds it.
  [[nodiscard]] std::string PathOfLower() const;

  /// Ties `whom` (a pid, or minus a process group) to it; returns the descriptor that must stay open for
  /// that, or -1 where /proc is missing. A lifeline that has ended already ends the caller.
  /// Async-signal-safe.
  static int Tie(const char* path_of_lower, pid_t whom);

 private:
  UniqueFd upper_;
  UniqueFd lower_;
};

}  // namespace hydrapool::sys
