#include "pool/supervisor/supervisor.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <system_error>
#include <utility>

#include "pool/shared/rescue.h"
#include "pool/sys/child.h"
#include "pool/sys/error.h"
#include "pool/sys/kill.h"
#include "pool/sys/log.h"
#include "pool/sys/log_file.h"
#include "pool/sys/signals.h"

namespace hydrapool {
namespace {

constexpr sys::Nanos kLook = 100 * sys::kMillisecond;

}  // namespace

Supervisor::Supervisor(PoolLife& life, const sys::OomScoreOfChildren& oom_score, Pool pool)
    : life_(life), oom_score_(oom_score), pool_(std::move(pool)) {}

int Supervisor::Run() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::signal(SIGCHLD, SIG_DFL);
  const sigset_t signals = Succession::Signals();
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &signals, &before);
  life_.supervisor = ::getpid();
  FollowParentBefore();
  while (!ended_) {
    if (parent_ == 0 && sys::Now() >= next_start_) StartParent();
    Wait();
    WatchParent();
    WatchTrial();
  }
  life_.supervisor = 0;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return exit_code_;
}

void Supervisor::StartParent(pid_t before) {
  std::fflush(nullptr);
  started_at_ = sys::Now();
  life_.serves = false;
  life_.beat = started_at_;
  const auto raised = oom_score_.Raise(sys::kWorkerOomScore);
  const pid_t pid = sys::CloneWithDescriptors();
  if (pid < 0) {
    sys::log::Error("the parent cannot be started: {}; trying again in a second",
                    std::generic_category().message(errno));
    next_start_ = sys::Now() + sys::kSecond;
    return;
  }
  if (pid == 0) {
    if (before != 0 && !TakeOverFrom(before)) ::_exit(0);
    life_.parent = ::getpid();
    int code = 70;  // EX_SOFTWARE
    try {
      code = pool_.parent();
    } catch (const std::exception& error) {
      sys::log::Error("the parent failed: {}", error.what());
    }
    ::_exit(code);
  }
  parent_ = pid;
  if (before == 0) life_.parent = pid;
}

// Not as many as come: a flood of one must not keep it from the dead and from a hung parent.
void Supervisor::Wait() {
  constexpr int kAtOnce = 16;
  const sigset_t signals = Succession::Signals();
  const timespec look{0, kLook};
  siginfo_t info{};
  const timespec none{0, 0};
  for (int taken = 0; taken < kAtOnce; ++taken) {
    const int signal = ::sigtimedwait(&signals, &info, taken == 0 ? &look : &none);
    if (signal <= 0) break;
    OnSignal(signal);
  }
  Reap();  // also those for whom there was no room
}

void Supervisor::OnSignal(int signal) {
  switch (signal) {
    case SIGTERM:
      life_.terms.fetch_add(1);
      break;
    case SIGQUIT:
      life_.quits.fetch_add(1);
      break;
    case SIGINT:
      life_.interrupts.fetch_add(1);
      break;
    case SIGUSR1:
      sys::LogFile::AskForTurn();
      break;
    case SIGHUP:
      return Try(Successor::kReload);
    case SIGUSR2:
      return Try(Successor::kUpgrade);
    case SIGTTIN:
      return Resize(1);
    case SIGTTOU:
      return Resize(-1);
    default:
      return;
  }
  if (parent_ > 0) sys::Kill(parent_, signal);  // it looks at the counts; one that comes later does so too
}

void Supervisor::Reap() {
  bool told = false;
  while (const auto dead = sys::NextDeadChild()) {
    const bool was_parent = dead->pid == parent_;
    if (dead->pid == trial_.pid) {
      sys::ReapChild(dead->pid);
      OnTrialEnd(dead->status);
      continue;
    }
    if (!was_parent) {
      if (!life_.obituaries.Put({dead->pid, dead->status})) break;
      told = true;
    }
    sys::ReapChild(dead->pid);
    if (was_parent) OnParentEnd(dead->status);
  }
  if (told && parent_ > 0) sys::Kill(parent_, SIGCHLD);
}

void Supervisor::OnParentEnd(const sys::ExitStatus& status) {
  parent_ = life_.parent = 0;
  if (life_.stage == PoolStage::kStopped && status.signal == 0) {
    ended_ = true;
    exit_code_ = status.code;
    return;
  }
  life_.parent_crashed = IsToBlame(status) || std::exchange(hung_, false);
  const sys::Nanos now = sys::Now();
  const sys::Nanos delay =
      policy_.OnDeath({.lived = now - started_at_, .status = status, .was_ready = life_.serves});
  next_start_ = now + delay;
  if (policy_.young_deaths() >= (CanGoBack() ? kMostFailuresOfNew : kMostFailures)) return GiveUp(status);
  sys::log::Warn("the parent ended: {}; the next one takes over{}", status.Describe(),
                 delay > 0 ? " after a pause" : "");
}

bool Supervisor::CanGoBack() const {
  return pool_.succession != nullptr && !pool_.succession->Before().empty();
}

void Supervisor::GiveUp(const sys::ExitStatus& status) {
  if (CanGoBack()) {
    sys::log::Error(
        "the new program's parent has ended {} times in a row soon after its start ({}): back to the program "
        "before",
        policy_.young_deaths(), status.Describe());
    const int error = pool_.succession->Execute(pool_.succession->Before(), pool_.descriptors());
    sys::log::Error("the program before cannot be executed: {}", std::generic_category().message(error));
  }
  sys::log::Error("the parent has ended {} times in a row soon after its start ({}): giving up",
                  policy_.young_deaths(), status.Describe());
  ended_ = true;
  exit_code_ = 1;
}

void Supervisor::WatchParent() {
  const sys::Nanos now = sys::Now();
  const bool slept = now - std::exchange(looked_at_, now) > sys::kSecond;  // stopped itself, or without a CPU
  if (slept) life_.beat = now;
  if (parent_ == 0 || now - life_.beat < kHungAfter) return;
  sys::log::Error("the parent has not come round for {} s: killed", kHungAfter / sys::kSecond);
  life_.beat = sys::Now();
  hung_ = true;
  sys::Kill(parent_, SIGKILL);
}

void Supervisor::Resize(int by) {
  const std::uint32_t now = life_.workers;
  const auto most = static_cast<std::uint32_t>(pool_.most_workers);
  const std::uint32_t wanted = std::clamp(by > 0 ? now + 1 : now - 1, 1u, most);
  if (wanted == now) {
    sys::log::Warn("{} workers: there cannot be {}", now, by > 0 ? "more" : "fewer");
    return;
  }
  sys::log::Info("{} workers are wanted", wanted);
  life_.workers = wanted;
  if (parent_ > 0) sys::Kill(parent_, SIGCHLD);
}

}  // namespace hydrapool
