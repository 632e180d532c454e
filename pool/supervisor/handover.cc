// One program after another: the trial, the pause of the parent, and the new program's first parent.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "pool/supervisor/supervisor.h"
#include "pool/sys/child.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/kill.h"
#include "pool/sys/log.h"
#include "pool/sys/service.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool {
namespace {

constexpr sys::Nanos kLongestTrial = 10 * sys::kSecond;
constexpr timespec kMoment{0, 100'000};
constexpr timespec kAgain{0, 100'000'000};

}  // namespace

const char* Supervisor::NameOf(Successor successor) {
  return successor == Successor::kUpgrade ? "upgrade" : "reload";
}

void Supervisor::Try(Successor successor) {
  if (pool_.succession == nullptr) return;
  if (life_.stage != PoolStage::kServing) {
    sys::log::Warn("{} refused: the server is on its way out", NameOf(successor));
    return;
  }
  sys::service::Tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", sys::Now() / sys::kMicrosecond));
  if (trial_.pid > 0) {
    sys::log::Info("{}: when the {} that is under way has ended", NameOf(successor),
                   NameOf(trial_.successor));
    trial_.next = successor;
    return;
  }
  const std::string program =
      successor == Successor::kUpgrade ? pool_.succession->Upgrade() : Succession::Itself();
  const pid_t pid = program.empty() ? -1 : pool_.succession->StartTrial(program);
  if (pid < 0) {
    return Refuse(successor, program.empty() ? "there is no program under the name of this one"
                                             : std::generic_category().message(errno));
  }
  trial_ = {.successor = successor, .program = program, .pid = pid, .deadline = sys::Now() + kLongestTrial};
}

void Supervisor::WatchTrial() {
  if (trial_.pid == 0 || sys::Now() < trial_.deadline) return;
  sys::log::Error("the {}'s trial has not ended within {} s: killed", NameOf(trial_.successor),
                  kLongestTrial / sys::kSecond);
  trial_.deadline = INT64_MAX;
  sys::Kill(trial_.pid, SIGKILL);
}

void Supervisor::OnTrialEnd(const sys::ExitStatus& status) {
  trial_.pid = 0;
  if (!status.clean()) {
    Refuse(trial_.successor, "its trial ended by " + status.Describe());
  } else if (life_.stage == PoolStage::kServing) {
    Yield();  // returns only where that fails
  }
  if (const Successor next = std::exchange(trial_.next, Successor::kNone); next != Successor::kNone)
    Try(next);
}

void Supervisor::Yield() {
  life_.upgrades = trial_.successor == Successor::kUpgrade;
  if (life_.upgrades) pool_.succession->LeaveWayBack();
  // What was asked for meanwhile stays pending for the program that follows.
  if (trial_.next != Successor::kNone)
    ::kill(::getpid(), trial_.next == Successor::kUpgrade ? SIGUSR2 : SIGHUP);
  std::string why = "the parent does not pause";
  if (PauseParent()) {
    why = std::generic_category().message(pool_.succession->Execute(trial_.program, pool_.descriptors()));
  }
  life_.handover = Handover::kNone;
  Refuse(trial_.successor, why);
}

void Supervisor::Refuse(Successor successor, const std::string& why) {
  sys::log::Error("{} refused: {}; all stays as it was", NameOf(successor), why);
  life_.refused.fetch_add(1);
  sys::service::Tell("READY=1");
}

// One that has died will not change anything either.
bool Supervisor::PauseParent() {
  if (parent_ == 0) return true;
  life_.pauses = false;
  life_.handover = Handover::kAsked;
  sys::Kill(parent_, SIGCHLD);
  for (const sys::Nanos deadline = sys::Now() + kHungAfter; sys::Now() < deadline;) {
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(parent_), &ended, WEXITED | WNOHANG | WNOWAIT);
    if (life_.pauses || ended.si_pid == parent_) return true;
    ::nanosleep(&kMoment, nullptr);
  }
  return false;
}

// The parent of the program before pauses, or this process was it. It is ended when the next one has taken
// over, so that there are never fewer than two processes that hold the connections.
void Supervisor::FollowParentBefore() {
  const pid_t before = life_.parent;
  if (before > 0 && before != ::getpid()) {
    if (life_.handover == Handover::kAsked) {
      HYDRAPOOL_FAILPOINT("supervisor.follows");
      StartParent(before);
      AwaitHandover(before);
      HYDRAPOOL_FAILPOINT("supervisor.followed");
    }
    sys::Kill(before, SIGKILL);
    while (::waitpid(before, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  life_.pauses = false;
  life_.handover = Handover::kNone;
}

// Or until one of the two has ended, which is seen to as usual. One that cannot be started is tried again,
// for the one before can go on; one that does not get there in time is ended.
void Supervisor::AwaitHandover(pid_t before) {
  const auto has_ended = [](pid_t pid) {
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG | WNOWAIT);
    return ended.si_pid == pid;
  };
  const sys::Nanos late = sys::Now() + kHungAfter;
  while (life_.handover == Handover::kAsked && !has_ended(before)) {
    if (parent_ == 0) {
      ::nanosleep(&kAgain, nullptr);
      StartParent(before);
    } else if (has_ended(parent_)) {
      return;
    } else if (sys::Now() > late) {
      sys::Kill(parent_, SIGKILL);
    }
    ::nanosleep(&kMoment, nullptr);
  }
}

// In the next parent, which changes nothing while the one before can. Should the supervisor die now, it is up
// to this process to end the one before. False: that one goes on.
bool Supervisor::TakeOverFrom(pid_t before) {
  const sys::UniqueFd pidfd = sys::OpenPidfd(before);
  Handover asked = Handover::kAsked;
  if (!life_.handover.compare_exchange_strong(asked, Handover::kTaken)) return false;
  HYDRAPOOL_FAILPOINT("supervisor.taken");
  for (pollfd end{pidfd.get(), POLLIN, 0}; pidfd && ::poll(&end, 1, 1) <= 0;)
    if (::getppid() != life_.supervisor) sys::SignalPidfd(pidfd.get(), SIGKILL);
  return true;
}

}  // namespace hydrapool
