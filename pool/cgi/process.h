#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "pool/shared/process_cgroups.h"
#include "pool/sys/error.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::cgi {

/// Two calls out of the unborn CGI, on its side of the vfork: in the child's process, in the caller's memory.
/// They may only make async-signal-safe calls and store into memory that was there before (a lease in shared
/// memory, an atomic): the caller may have been killed already, and then its code will not run again.
/// Either may be null.
struct SpawnGate {
  /// Immediately before execve: note "may have run from here on" and say whether it may. false: the child
  /// exits with 126.
  bool (*may_exec)(void* context, pid_t self) = nullptr;
  /// Nothing was executed, and why; the child exits with 127.
  void (*exec_failed)(void* context, int error) = nullptr;
  void* context = nullptr;
};

/// Limits of the new process, each lowered to the hard limit that the caller has itself. No core dumps,
/// unless asked.
struct ResourceLimits {
  rlim_t core_bytes = 0;
  rlim_t open_files = 1024;             ///< what select(2) can hold; the pool's own limit is far higher
  std::optional<rlim_t> cpu_seconds{};  ///< SIGXCPU then, SIGKILL one second later
  std::optional<rlim_t> address_space_bytes{};
  std::optional<rlim_t> file_bytes{};  ///< of a file it writes; SIGXFSZ then
  std::optional<rlim_t> processes{};   ///< of its user, those of other programs too; root has no such limit
  CgroupLimits together{};             ///< of it and all that it starts: for whoever makes its cgroup
};

struct SpawnOptions {
  int directory_fd = -1;        ///< where it runs; O_PATH is enough
  std::string program{};        ///< a name in that directory, executed as "./program", or an absolute path
  char* const* argv = nullptr;  ///< ends with a null pointer, as envp does
  char* const* envp = nullptr;
  /// Any three descriptors, also the same one or 0 to 2; they stay the caller's. Give them without
  /// O_NONBLOCK: that flag belongs to the open pipe's end, not to its number.
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  int cgroup = -1;            ///< a directory of cgroup version 2, in which it begins; -1: the caller's
  pid_t expected_parent = 0;  ///< the process that the child must find as its parent: see Spawn
  /// sys::Lifeline::PathOfLower: what the child's group dies with instead of its parent; null: its parent.
  const char* lifeline = nullptr;
  int own_descriptors = -1;  ///< /proc/self/fd of the caller, where it has that open: by a shorter way to it
  mode_t umask = 022;
  ResourceLimits limits{};
  /// sys::IgnoredSignals of the caller, where it knows them; else the start asks about each.
  std::optional<std::uint64_t> ignored{};
  SpawnGate gate{};
  bool clone_parent = true;
  bool no_new_privs = true;  ///< set-id and file capabilities count for nothing in it and its children
};

/// A process that was started. Its parent must reap it, whatever `start` says.
struct Spawned {
  enum class Start {
    kExecuted,  ///< the program runs, or ran
    kRefused,   ///< by the gate; exit status 126
    kFailed,    ///< `error` says why it was never executed (ENOEXEC, EACCES, …); exit status 127
  };
  pid_t pid = -1;
  sys::UniqueFd pidfd;  ///< readable at its end; close-on-exec
  Start start = Start::kExecuted;
  int error = 0;
};

/// Starts a CGI program and returns when it runs, or is known not to.
///
///     auto cgi = cgi::Spawn({.directory_fd = script.directory.get(), .program = script.file,
///                            .argv = argv, .envp = environment.envp(), .stdin_fd = in, .stdout_fd = out,
///                            .stderr_fd = err, .expected_parent = ::getppid()});
///
/// With `clone_parent` (CLONE_PARENT) the new process is not the caller's child but its sibling, the pool
/// parent's child from birth: it outlives the worker that started it, only the pool parent can and must reap
/// it, and its death signal (PR_SET_PDEATHSIG, SIGKILL) means the *pool parent's* end. `expected_parent`
/// closes the race with a parent that is gone before the signal is set: the child then exits with 127,
/// kFailed, ESRCH. Its exit signal is that of the caller itself (clone(2)), so workers must be made with
/// SIGCHLD. A pid namespace's init cannot use CLONE_PARENT (EINVAL).
///
/// With a `lifeline` it may lose its parent, and its group ends with the lifeline instead.
///
/// The program starts with descriptors 0, 1, 2 and no other (with a `lifeline` also 3, which is that), all
/// dispositions default, an empty signal mask, its own process group (leader: its pid), no_new_privs (unless
/// told), the limits and the umask above, `directory_fd` as working directory, and exactly `argv` and `envp`.
/// A text without "#!" is ENOEXEC, not a shell script.
///
/// It shares the caller's memory until the exec (CLONE_VM | CLONE_VFORK on a stack of its own, one for each
/// calling thread), so a start costs the same in a small and a large process; only the descriptor table is
/// copied. The kernel resets the signals' handlers (CLONE_CLEAR_SIGHAND) where a sandbox does not forbid
/// clone3(2). Measured
/// (process_bench.cc): 41 us at best with 1 MiB and with 512 MiB, 75 us with 1,000 descriptors open, 400 us
/// with 10,000. The calling thread waits, with all signals blocked; other threads run on. Should the caller
/// be killed meanwhile, the child goes on through the gate and executes all the same: the gate's note is what
/// tells. (The OOM killer takes both, as they share memory.)
///
/// An Error only where no process came to be (EAGAIN, ENOMEM; with a `cgroup` also where it may not be
/// entered). Any number of threads may call it.
[[nodiscard]] sys::Result<Spawned> Spawn(const SpawnOptions& options);

/// The process is on its way out, or out: its descriptors close because of that and not by its own will.
/// Read off /proc: false of one that is seen running. Where no descriptor is left to look, true until there
/// is one; without /proc, false as long as it exists.
[[nodiscard]] bool IsEnding(pid_t pid);

}  // namespace hydrapool::cgi
