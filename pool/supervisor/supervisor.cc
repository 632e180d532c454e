#include "pool/supervisor/supervisor.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <system_error>
#include <utility>

#include "pool/sys/error.h"
#include "pool/sys/log.h"
#include "pool/sys/signals.h"

namespace hydrapool {
namespace {

constexpr sys::Nanos kLook = 100 * sys::kMillisecond;

// As fork(2), but the child shares our table of descriptors.
pid_t CloneWithDescriptors() {
  clone_args arguments{};
  arguments.flags = CLONE_FILES;
  arguments.exit_signal = SIGCHLD;
  return static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
}

sigset_t Signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGTERM, SIGQUIT, SIGINT}) sigaddset(&set, signal);
  return set;
}

}  // namespace

Supervisor::Supervisor(PoolLife& life, const sys::OomScoreOfChildren& oom_score, std::function<int()> parent)
    : life_(life), oom_score_(oom_score), serve_(std::move(parent)) {}

int Supervisor::Run() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::signal(SIGCHLD, SIG_DFL);
  const sigset_t signals = Signals();
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &signals, &before);
  life_.supervisor = ::getpid();
  while (!ended_) {
    if (parent_ == 0 && sys::Now() >= next_start_) StartParent();
    Wait();
    WatchParent();
  }
  life_.supervisor = 0;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return exit_code_;
}

void Supervisor::StartParent() {
  std::fflush(nullptr);
  started_at_ = sys::Now();
  life_.serves = false;
  life_.beat = started_at_;
  const auto raised = oom_score_.Raise(sys::kWorkerOomScore);
  const pid_t pid = CloneWithDescriptors();
  if (pid < 0) {
    sys::log::Error("the parent cannot be started: {}; trying again in a second",
                    std::generic_category().message(errno));
    next_start_ = sys::Now() + sys::kSecond;
    return;
  }
  if (pid == 0) {
    int code = 70;  // EX_SOFTWARE
    try {
      code = serve_();
    } catch (const std::exception& error) {
      sys::log::Error("the parent failed: {}", error.what());
    }
    ::_exit(code);
  }
  parent_ = pid;
}

void Supervisor::Wait() {
  const sigset_t signals = Signals();
  const timespec look{0, kLook};
  siginfo_t info{};
  for (int signal = ::sigtimedwait(&signals, &info, &look); signal > 0;) {
    OnSignal(signal);
    const timespec none{0, 0};
    signal = ::sigtimedwait(&signals, &info, &none);
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
    default:
      return;
  }
  if (parent_ > 0) ::kill(parent_, signal);  // it looks at the counts; one that comes later does so too
}

void Supervisor::Reap() {
  bool told = false;
  while (const auto dead = sys::NextDeadChild()) {
    const bool was_parent = dead->pid == parent_;
    if (!was_parent) {
      if (!life_.obituaries.Put({dead->pid, dead->status})) break;
      told = true;
    }
    sys::ReapChild(dead->pid);
    if (was_parent) OnParentEnd(dead->status);
  }
  if (told && parent_ > 0) ::kill(parent_, SIGCHLD);
}

void Supervisor::OnParentEnd(const sys::ExitStatus& status) {
  parent_ = 0;
  if (life_.stage == PoolStage::kStopped && status.signal == 0) {
    ended_ = true;
    exit_code_ = status.code;
    return;
  }
  const sys::Nanos now = sys::Now();
  const sys::Nanos delay =
      policy_.OnDeath({.lived = now - started_at_, .status = status, .was_ready = life_.serves});
  next_start_ = now + delay;
  if (policy_.young_deaths() >= kMostFailures) {
    sys::log::Error("the parent has ended {} times in a row soon after its start ({}): giving up",
                    policy_.young_deaths(), status.Describe());
    ended_ = true;
    exit_code_ = 1;
    return;
  }
  sys::log::Warn("the parent ended: {}; the next one takes over{}", status.Describe(),
                 delay > 0 ? " after a pause" : "");
}

void Supervisor::WatchParent() {
  const sys::Nanos now = sys::Now();
  const bool slept = now - std::exchange(looked_at_, now) > sys::kSecond;  // stopped itself, or without a CPU
  if (slept) life_.beat = now;
  if (parent_ == 0 || now - life_.beat < kHungAfter) return;
  sys::log::Error("the parent has not come round for {} s: killed", kHungAfter / sys::kSecond);
  life_.beat = sys::Now();
  ::kill(parent_, SIGKILL);
}

}  // namespace hydrapool
