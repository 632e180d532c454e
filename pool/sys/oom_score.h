#pragma once

#include <sys/types.h>

#include <optional>

#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {

/// Whom the kernel kills first when memory runs out (oom_score_adj, proc(5)): of processes of the same size
/// the one with the greater number, from -1000 to 1000. Whoever may be lost says so of itself: anyone may
/// raise a number, and lower it again to where it was.

/// How much sooner than the process without which all is lost a worker is killed.
inline constexpr int kWorkerOomScore = 250;

/// This process's number; nullopt: the system does not say.
[[nodiscard]] std::optional<int> OomScore();

/// The number of children to come.
///
///     const OomScoreOfChildren children;                      // early: see below
///     { const auto raised = children.Raise(250); Fork(); }    // the child keeps the number
///
/// A child inherits its parent's number, so it is the parent's that is raised for that moment. Once a process
/// is not dumpable and not root it cannot open its own file any more: make one of these before. Where the
/// file cannot be opened nothing happens. The descriptor is closed on exec.
class OomScoreOfChildren {
 public:
  OomScoreOfChildren();

  class Raised {
   public:
    Raised(const OomScoreOfChildren& of, int by);
    ~Raised();
    Raised(const Raised&) = delete;
    Raised& operator=(const Raised&) = delete;

   private:
    const OomScoreOfChildren& of_;
  };
  [[nodiscard]] Raised Raise(int by) const { return {*this, by}; }

  [[nodiscard]] int own() const { return own_; }
  /// Sets this process's own number: one that was raised by its parent takes its parent's place.
  void Become(int own);

 private:
  void Set(int score) const;
  UniqueFd file_;
  int own_ = 0;
};

/// Sets the number of another process of the same user, unless `pidfd` says that it has ended.
void SetOomScore(pid_t pid, int pidfd, int score);

}  // namespace hydrapool::sys
