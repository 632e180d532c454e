#pragma once

#include <signal.h>
#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {

/// How a process ended.
struct ExitStatus {
  int signal = 0;  ///< the signal that killed it, or 0
  int code = 0;    ///< its exit code where no signal did

  static ExitStatus FromSiginfo(const siginfo_t& info);
  [[nodiscard]] bool clean() const { return signal == 0 && code == 0; }
  /// "SIGKILL", "exit_0", "exit_3".
  [[nodiscard]] std::string Describe() const;
};

/// A child process, held by its pidfd.
///
///     sys::Child child = sys::Child::Fork([] { return Serve(); });  // _exits with what the body returns
///     loop.Add(child.pidfd(), EPOLLIN, ...);                        // readable: it is dead
///     if (auto status = child.TryReap()) ...
///
/// The pid stays the child's own until TryReap has returned its status; it is for logs and signals of the
/// owner. Destroying a Child that was not reaped kills it and waits for it. Not for several threads, and not
/// to be used in the child itself.
///
/// A child that somebody traces (ptrace(2)) is its tracer's to reap first. Once its pidfd is readable all its
/// threads are past their exit (exit_notify in the kernel): its descriptors are closed, and it will never run
/// or move a byte again. So it counts as reaped; the zombie is left, to be taken with waitid(P_ALL) when the
/// tracer lets it go. Not promised: that a child dies at SIGKILL. A tracer that has asked to be told of exits
/// (PTRACE_O_TRACEEXIT) can hold it on its way out, where nothing says that it will not run again.
class Child {
 public:
  /// Forks. In the child every signal is blocked until `body` unblocks what it handles, so none can kill it
  /// by its default in between. An exception out of `body` ends the child with code 70 and one line on
  /// stderr. Throws std::system_error where the system refuses.
  static Child Fork(const std::function<int()>& body);

  /// Takes over a process that another one has forked, of the same table of descriptors; it need not be a
  /// child of this process, and then has no status to tell.
  static Child Adopt(pid_t pid, UniqueFd pidfd);

  Child() = default;
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  explicit operator bool() const { return pid_ > 0; }

  /// How it has ended, without reaping it. Never blocks. nullopt: it lives, or is another process's child.
  /// The status of one that its tracer holds is read off /proc; SIGKILL where that does not tell.
  [[nodiscard]] std::optional<ExitStatus> Ended() const;
  /// It is dead, whosever child it is.
  [[nodiscard]] bool IsDead() const;
  /// Ended, and after a status the Child is reaped and empty.
  std::optional<ExitStatus> TryReap();
  /// No effect on an empty Child.
  void Signal(int signal) const;

 private:
  void KillAndReap();
  void Forget();
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  bool adopted_ = false;
};

/// As fork(2), but the child shares the caller's table of descriptors, until it executes a program.
pid_t CloneWithDescriptors();

/// A child of this process that has died; it stays until it is reaped. nullopt: none has.
struct DeadChild {
  pid_t pid = 0;
  ExitStatus status;
};
std::optional<DeadChild> NextDeadChild();
/// No effect where it is reaped already.
void ReapChild(pid_t pid);

/// How a process has ended that nobody has reaped yet, whosever child it is; nullopt: it lives, or is gone.
std::optional<ExitStatus> StatusOfZombie(pid_t pid);

/// "SIGKILL" for 9; "SIG64" for what has no name.
std::string SignalName(int signal);

/// pidfd_open(2) as a value; empty where there is no such process.
UniqueFd OpenPidfd(pid_t pid);
/// pidfd_send_signal(2). False: it is gone already.
bool SignalPidfd(int pidfd, int signal);

}  // namespace hydrapool::sys
