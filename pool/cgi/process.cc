#include "pool/cgi/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "pool/sys/clone.h"
#include "pool/sys/file.h"
#include "pool/sys/kill.h"
#include "pool/sys/signals.h"

// What runs on the child's stack: the sanitizers know neither that stack nor the second process in their
// memory.
#define HYDRAPOOL_IN_CHILD __attribute__((no_sanitize("address"), no_sanitize("thread")))

namespace hydrapool::cgi {
namespace {

constexpr int kLastSignal = 64;
constexpr std::size_t kKernelSignalSetBytes = 8;
constexpr std::size_t kStackBytes = 64 * 1024;
constexpr std::size_t kGuardBytes = 64 * 1024;  // a page, however large they are (arm64)
constexpr int kRefusedStatus = 126;
constexpr int kFailedStatus = 127;

struct Limit {
  __rlimit_resource resource;
  rlimit value;
};

/// What the child still has to do about signals.
enum class Dispositions : std::uint8_t { kResetAll, kResetIgnored };

/// All that the child reads and the two words it writes, made before it is.
struct Birth {
  const SpawnOptions* options;
  const char* path;
  int lifeline = -1;  ///< of its own
  std::array<Limit, 6> limits;
  std::size_t limit_count = 0;
  Dispositions dispositions = Dispositions::kResetAll;
  volatile Spawned::Start start = Spawned::Start::kExecuted;
  volatile int error = 0;
};

class Stack {
 public:
  Stack() = default;
  ~Stack() {
    if (base_ != nullptr) ::munmap(base_, kStackBytes + kGuardBytes);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  /// To be asked before each use. False: there is no memory for it now.
  [[nodiscard]] bool Map() {
    if (base_ != nullptr) return true;
    void* const base = ::mmap(nullptr, kStackBytes + kGuardBytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (base == MAP_FAILED) return false;
    base_ = static_cast<char*>(base);
    ::mprotect(base_, kGuardBytes, PROT_NONE);
    return true;
  }
  [[nodiscard]] void* top() const { return base_ + kStackBytes + kGuardBytes; }
  /// Above the guard.
  [[nodiscard]] void* base() const { return base_ + kGuardBytes; }
  [[nodiscard]] static std::size_t size() { return kStackBytes; }

 private:
  char* base_ = nullptr;
};

void AddLimit(Birth& birth, __rlimit_resource resource, rlim_t soft, rlim_t hard) {
  rlimit mine{RLIM_INFINITY, RLIM_INFINITY};
  ::getrlimit(resource, &mine);
  birth.limits[birth.limit_count++] = {resource,
                                       {std::min(soft, mine.rlim_max), std::min(hard, mine.rlim_max)}};
}

HYDRAPOOL_IN_CHILD bool ResetSignals(std::uint64_t which) {
  // The raw call, for glibc keeps 32 and 33 to itself; an all-zero kernel sigaction is SIG_DFL without flags.
  const std::array<unsigned long, 8> default_action{};
  for (int signal = 1; signal <= kLastSignal; ++signal) {
    if ((which >> (signal - 1) & 1) == 0 || signal == SIGKILL || signal == SIGSTOP) continue;
    if (::syscall(SYS_rt_sigaction, signal, &default_action, nullptr, kKernelSignalSetBytes) < 0)
      return false;
  }
  return true;
}

HYDRAPOOL_IN_CHILD bool UnblockSignals() {
  const unsigned long none = 0;
  return ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, kKernelSignalSetBytes) == 0;
}

/// `line` becomes 3; -1: there is none.
HYDRAPOOL_IN_CHILD bool ArrangeDescriptors(const SpawnOptions& options, int line) {
  int source[3] = {options.stdin_fd, options.stdout_fd, options.stderr_fd};
  for (int& fd : source) {
    if (fd <= STDERR_FILENO) fd = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (fd < 0) return false;
  }
  for (int target = 0; target < 3; ++target) {
    if (::dup2(source[target], target) < 0) return false;
  }
  constexpr int kLine = 3;
  if (line < 0) return ::syscall(SYS_close_range, kLine, ~0U, 0U) == 0;
  if (line == kLine ? ::fcntl(line, F_SETFD, 0) < 0 : ::dup2(line, kLine) < 0) return false;
  return ::syscall(SYS_close_range, kLine + 1, ~0U, 0U) == 0;
}

/// As sys::Lifeline::Tie, whose owner is not known yet. By the caller: in the child the kernel would have to
/// make a /proc for a process that ends soon.
sys::UniqueFd OpenLifeline(const SpawnOptions& options) {
  if (options.lifeline == nullptr) return {};
  const bool near = options.own_descriptors >= 0;
  const char* const path = near ? std::strrchr(options.lifeline, '/') + 1 : options.lifeline;
  sys::UniqueFd line(
      ::openat(near ? options.own_descriptors : AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!line) return line;
  ::fcntl(line.get(), F_SETSIG, SIGKILL);
  ::fcntl(line.get(), F_SETFL, O_NONBLOCK | O_ASYNC);
  return line;
}

// What has ended before it had an owner has told nobody.
HYDRAPOOL_IN_CHILD void TieGroup(int lifeline) {
  ::fcntl(lifeline, F_SETOWN, -::getpid());
  pollfd state{lifeline, 0, 0};
  if (::poll(&state, 1, 0) > 0 && (state.revents & POLLHUP) != 0) ::kill(::getpid(), SIGKILL);
}

HYDRAPOOL_IN_CHILD bool DieWithParent(pid_t expected_parent) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return false;
  if (::getppid() == expected_parent) return true;
  errno = ESRCH;
  return false;
}

HYDRAPOOL_IN_CHILD bool SetLimits(const Birth& birth) {
  for (std::size_t i = 0; i < birth.limit_count; ++i) {
    if (::setrlimit(birth.limits.data()[i].resource, &birth.limits.data()[i].value) < 0) return false;
  }
  return true;
}

HYDRAPOOL_IN_CHILD bool Prepare(const Birth& birth) {
  const SpawnOptions& options = *birth.options;
  const bool all = birth.dispositions == Dispositions::kResetAll || !options.ignored.has_value();
  if (!ResetSignals(all ? ~std::uint64_t{0} : *options.ignored) || ::setpgid(0, 0) < 0) return false;
  if (birth.lifeline >= 0) TieGroup(birth.lifeline);
  if (options.lifeline == nullptr && !DieWithParent(options.expected_parent)) return false;
  if (options.no_new_privs && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return false;
  if (::fchdir(options.directory_fd) < 0) return false;  // before its number may be covered by 0 to 2
  if (!ArrangeDescriptors(options, birth.lifeline) || !SetLimits(birth)) return false;
  ::umask(options.umask);
  return UnblockSignals();
}

HYDRAPOOL_IN_CHILD int RunChild(void* argument) {
  Birth& birth = *static_cast<Birth*>(argument);
  const SpawnOptions& options = *birth.options;
  const SpawnGate& gate = options.gate;
  if (Prepare(birth)) {
    if (gate.may_exec != nullptr && !gate.may_exec(gate.context, ::getpid())) {
      birth.start = Spawned::Start::kRefused;
      ::_exit(kRefusedStatus);
    }
    ::execve(birth.path, options.argv, options.envp);
  }
  const int error = errno;
  birth.error = error;
  birth.start = Spawned::Start::kFailed;
  if (gate.exec_failed != nullptr) gate.exec_failed(gate.context, error);
  ::_exit(kFailedStatus);
}

/// One for each thread that starts programs: it waits until its child needs it no more.
Stack& StackOfThread() {
  thread_local Stack stack;
  return stack;
}

/// As clone(2). Where the kernel or a sandbox has no clone3(2) it is not tried again.
pid_t Clone(Birth& birth, int& pidfd) {
  static std::atomic<bool> has_clone3{true};
  const int flags = CLONE_VM | CLONE_VFORK | (birth.options->clone_parent ? CLONE_PARENT : 0);
  const Stack& stack = StackOfThread();
  if (has_clone3.load(std::memory_order_relaxed)) {
    birth.dispositions = Dispositions::kResetIgnored;
    const pid_t pid =
        sys::CloneClearingHandlers(&RunChild, &birth, stack.base(), Stack::size(),
                                   static_cast<unsigned long>(flags), &pidfd, birth.options->cgroup);
    if (pid >= 0 || birth.options->cgroup >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL))
      return pid;
    has_clone3 = false;
  }
  if (birth.options->cgroup >= 0) {
    errno = ENOSYS;
    return -1;
  }
  birth.dispositions = Dispositions::kResetAll;
  return ::clone(RunChild, stack.top(), flags | CLONE_PIDFD | SIGCHLD, &birth, &pidfd);
}

}  // namespace

sys::Result<Spawned> Spawn(const SpawnOptions& options) {
  const std::string path = options.program.starts_with('/') ? options.program : "./" + options.program;
  const sys::UniqueFd lifeline = OpenLifeline(options);
  Birth birth{.options = &options, .path = path.c_str(), .lifeline = lifeline.get(), .limits = {}};
  const ResourceLimits& limits = options.limits;
  AddLimit(birth, RLIMIT_CORE, limits.core_bytes, limits.core_bytes);
  AddLimit(birth, RLIMIT_NOFILE, limits.open_files, limits.open_files);
  if (limits.cpu_seconds) AddLimit(birth, RLIMIT_CPU, *limits.cpu_seconds, *limits.cpu_seconds + 1);
  if (limits.address_space_bytes) {
    AddLimit(birth, RLIMIT_AS, *limits.address_space_bytes, *limits.address_space_bytes);
  }
  if (limits.file_bytes) AddLimit(birth, RLIMIT_FSIZE, *limits.file_bytes, *limits.file_bytes);
  if (limits.processes) AddLimit(birth, RLIMIT_NPROC, *limits.processes, *limits.processes);

  if (!StackOfThread().Map()) return sys::Failure(ENOMEM, "stack for a CGI");
  int pidfd = -1;
  Spawned spawned;
  {
    const sys::BlockAllSignals blocked;
    spawned.pid = Clone(birth, pidfd);
    if (spawned.pid < 0) return sys::Failure(errno, "clone " + options.program);
  }
  spawned.pidfd.Reset(pidfd);
  spawned.start = birth.start;
  spawned.error = birth.error;
  return spawned;
}

bool IsEnding(pid_t pid) {
  constexpr unsigned kExiting = 0x4;  // PF_EXITING, include/linux/sched.h
  if (pid <= 1) return false;
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  errno = 0;
  const std::string stat = sys::ReadFile(path);
  if (stat.empty() && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) return true;
  const auto name_end = stat.rfind(')');
  char state = 0;
  unsigned flags = 0;
  // proc(5): state ppid pgrp session tty_nr tpgid flags
  if (name_end == stat.npos ||
      std::sscanf(stat.c_str() + name_end + 1, " %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2) {
    return sys::Kill(pid, 0) < 0 && errno == ESRCH;
  }
  return state == 'Z' || state == 'X' || (flags & kExiting) != 0;
}

}  // namespace hydrapool::cgi
