#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "pool/shared/pool_life.h"
#include "pool/shared/respawn_policy.h"
#include "pool/supervisor/succession.h"
#include "pool/sys/child.h"
#include "pool/sys/clock.h"
#include "pool/sys/oom_score.h"

namespace hydrapool {

/// Keeps a pool's parent alive, and holds what the parent holds, so that no connection ends with it.
///
///     Supervisor supervisor(life, oom_score, {.parent = [&] { return ServeAsParent(); }, …});
///     return supervisor.Run();   // the parent's exit code, after an orderly end
///
/// It makes the parent by clone(CLONE_FILES): the two share one table of descriptors, so what one parent
/// has accepted or opened is still open when the next one looks. The rest that a parent must know lies in
/// shared memory. Each parent starts from the supervisor's own memory, which nothing has touched since the
/// pool was made.
///
/// Its one job is to wait: it passes signals on, notes the ends of those whom a dead parent has left it
/// (PR_SET_CHILD_SUBREAPER), and looks whether the parent's loop comes round. It opens no descriptor, and
/// believes nothing that a parent says but that it lives.
///
/// A parent that does not come round for kHungAfter is killed. One that is killed from outside is replaced at
/// once; those that crash or fail young are replaced after growing delays (respawn_policy.h), and after
/// kMostFailures in a row not at all: Run returns 1.
///
/// HUP and USR2, where the program can be followed (succession.h): a trial first, which leaves all as it was
/// if it fails; then the parent is told to pause, this process executes the program anew, and the supervisor
/// of that one makes a new parent, which takes over when the old one has ended. Until then the old parent can
/// go on, whatever happens; if this process should end in between, one of the two does so by itself. A
/// program that came by USR2 and whose parents fail young gives its place back to the one before.
///
/// TTIN and TTOU: a worker more, or one less. USR1: the files of logs are opened again (sys/log_file.h).
///
/// Needs a process without threads, and its signals while Run runs.
class Supervisor {
 public:
  static constexpr sys::Nanos kHungAfter = 2 * sys::kSecond;
  static constexpr std::uint32_t kMostFailures = 8;
  static constexpr std::uint32_t kMostFailuresOfNew = 3;  ///< of an upgraded program that could go back

  struct Pool {
    std::function<int()> parent;                    ///< serves; the exit code
    std::function<std::vector<int>()> descriptors;  ///< all that parents have opened and that is open now
    std::size_t most_workers = 0;
    Succession* succession = nullptr;  ///< null: nothing can follow
  };
  /// `oom_score` is raised for parents, and so for what they start: they can be replaced.
  Supervisor(PoolLife& life, const sys::OomScoreOfChildren& oom_score, Pool pool);

  int Run();

 private:
  void StartParent(pid_t before = 0);
  void Wait();
  void OnSignal(int signal);
  void Reap();
  void OnParentEnd(const sys::ExitStatus& status);
  [[nodiscard]] bool CanGoBack() const;
  void GiveUp(const sys::ExitStatus& status);
  void WatchParent();
  void FollowParentBefore();
  void AwaitHandover(pid_t before);
  bool TakeOverFrom(pid_t before);
  void Resize(int by);

  // one program after another
  enum class Successor : std::uint8_t { kNone, kReload, kUpgrade };
  void Try(Successor successor);
  void OnTrialEnd(const sys::ExitStatus& status);
  void WatchTrial();
  void Yield();
  bool PauseParent();
  void Refuse(Successor successor, const std::string& why);
  static const char* NameOf(Successor successor);

  PoolLife& life_;
  const sys::OomScoreOfChildren& oom_score_;
  Pool pool_;
  pid_t parent_ = 0;
  sys::Nanos started_at_ = 0;
  sys::Nanos looked_at_ = 0;
  sys::Nanos next_start_ = 0;
  RespawnPolicy policy_;
  struct Trial {
    Successor successor = Successor::kNone;
    std::string program;
    pid_t pid = 0;
    sys::Nanos deadline = 0;
    Successor next = Successor::kNone;  // asked for meanwhile
  };
  Trial trial_;
  bool hung_ = false;  // the present parent, and so it was killed
  bool ended_ = false;
  int exit_code_ = 0;
};

}  // namespace hydrapool
