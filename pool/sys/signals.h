#pragma once

#include <signal.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <vector>

#include "pool/sys/clock.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {

/// Signals as events of a loop (the self-pipe of the teaching code: one source of events, signals included).
///
///     sys::SignalEvents signals(loop, {SIGTERM, SIGCHLD}, [&](int signal) { ... });
///
/// The handler only writes a byte to a non-blocking pipe and keeps errno; the callback runs in the loop. A
/// signal that comes several times before the loop looks may be reported once. What was installed before is
/// restored on destruction. At most one SignalEvents at a time in a process: the handler can find its pipe
/// only through a static. A child made by fork() shares the pipe: it calls `ForgetInChild` before it does
/// anything else.
class SignalEvents {
 public:
  SignalEvents(EventLoop& loop, std::initializer_list<int> signals, std::function<void(int)> callback);
  ~SignalEvents();
  SignalEvents(const SignalEvents&) = delete;
  SignalEvents& operator=(const SignalEvents&) = delete;

  /// In a freshly forked child: default dispositions for all that the parent handled. The caller has all
  /// signals blocked.
  static void ForgetInChild();

  /// When the earliest SIGCHLD came that was not taken yet, stamped by the handler itself; 0 if none.
  /// Taking clears it. SIGCHLDs coalesce, so later deaths share the earliest stamp: what is derived from it
  /// errs on the slow side.
  static Nanos TakeChildStamp();

 private:
  void Drain();

  UniqueFd read_;
  std::function<void(int)> callback_;
  EventLoop::Watch watch_;
  struct Installed {
    int signal;
    struct sigaction before;
  };
  std::vector<Installed> installed_;
};

/// Ignores every signal that would end a process though it tells of no fault of it: HUP, PIPE, USR1, USR2,
/// ALRM, VTALRM, PROF, IO, PWR, STKFLT and those from 32 on. Faults (SEGV, ABRT, …), limits (XCPU, XFSZ),
/// TERM, QUIT, INT and job control keep what they do. Programs inherit what is ignored: see cgi/process.h.
void IgnoreStraySignals();

/// Of those that are ignored: they do nothing as before, but are no longer inherited by programs.
void CatchIgnoredSignals();
/// Those that this process ignores (bit: signal - 1).
[[nodiscard]] std::uint64_t IgnoredSignals();

/// Blocks every signal of this thread as long as it lives, then restores the mask it found.
class BlockAllSignals {
 public:
  BlockAllSignals() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockAllSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockAllSignals(const BlockAllSignals&) = delete;
  BlockAllSignals& operator=(const BlockAllSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace hydrapool::sys
