#include "pool/sys/child.h"

#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <utility>

#include "pool/sys/await.h"
#include "pool/sys/error.h"
#include "pool/sys/file.h"
#include "pool/sys/kill.h"
#include "pool/sys/log_line.h"
#include "pool/sys/signals.h"

namespace hydrapool::sys {
namespace {

// waitid's P_PIDFD; glibc 2.36 has it, but only behind _GNU_SOURCE headers that differ between versions.
constexpr auto kPidfdIdType = static_cast<idtype_t>(3);

constexpr std::chrono::milliseconds kAtOnce(0);
constexpr std::chrono::seconds kPatience(5);  // with a child that was killed and does not die

// Never blocks. WNOWAIT: it is not reaped.
std::optional<ExitStatus> WaitPidfd(int pidfd, int flags) {
  siginfo_t info{};
  int result;
  do {
    result = ::waitid(kPidfdIdType, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG | flags);
  } while (result != 0 && errno == EINTR);
  if (result != 0 || info.si_pid == 0) return std::nullopt;
  return ExitStatus::FromSiginfo(info);
}

}  // namespace

// proc(5): the third and the last field of stat; the last as waitpid(2) gives it.
std::optional<ExitStatus> StatusOfZombie(pid_t pid) {
  const std::string stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  const auto name_end = stat.rfind(") Z");
  const auto last = stat.rfind(' ');
  int status = 0;
  if (name_end == stat.npos || std::sscanf(stat.c_str() + last, "%d", &status) != 1) return std::nullopt;
  return WIFSIGNALED(status) ? ExitStatus{WTERMSIG(status), 0} : ExitStatus{0, WEXITSTATUS(status)};
}

// Not clone3(2), whose flags a sandbox cannot see and therefore forbids (RestrictNamespaces= of systemd, some
// containers).
pid_t CloneWithDescriptors() {
  constexpr long kFlags = CLONE_FILES | SIGCHLD;
  return static_cast<pid_t>(::syscall(SYS_clone, kFlags, 0L, 0L, 0L, 0L));
}

std::optional<DeadChild> NextDeadChild() {
  siginfo_t info{};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return std::nullopt;
  return DeadChild{info.si_pid, ExitStatus::FromSiginfo(info)};
}

void ReapChild(pid_t pid) {
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
}

ExitStatus ExitStatus::FromSiginfo(const siginfo_t& info) {
  return info.si_code == CLD_EXITED ? ExitStatus{0, info.si_status} : ExitStatus{info.si_status, 0};
}

std::string ExitStatus::Describe() const {
  return signal != 0 ? SignalName(signal) : fmt::format("exit_{}", code);
}

std::string SignalName(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("SIG{}", signal);
}

UniqueFd OpenPidfd(pid_t pid) { return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

bool SignalPidfd(int pidfd, int signal) {
  return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0;
}

Child Child::Fork(const std::function<int()>& body) {
  const BlockAllSignals blocked;
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) ThrowErrno(errno, "fork");
  if (pid == 0) {
    int code = 70;  // EX_SOFTWARE
    try {
      SignalEvents::ForgetInChild();
      code = body();
    } catch (const std::exception& error) {
      WriteLine(STDERR_FILENO, fmt::format("process {}: {}\n", ::getpid(), error.what()));
    } catch (...) {  // nothing may unwind into what the parent was doing
    }
    ::_exit(code);
  }
  Child child;
  child.pid_ = pid;
  child.pidfd_ = OpenPidfd(pid);
  if (!child.pidfd_) {
    const int error = errno;
    sys::Kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    child.pid_ = -1;
    ThrowErrno(error, "pidfd_open");
  }
  return child;
}

Child Child::Adopt(pid_t pid, UniqueFd pidfd) {
  Child child;
  child.pid_ = pid;
  child.pidfd_ = std::move(pidfd);
  child.adopted_ = true;
  return child;
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)), adopted_(other.adopted_) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    KillAndReap();
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::move(other.pidfd_);
    adopted_ = other.adopted_;
  }
  return *this;
}

Child::~Child() { KillAndReap(); }

void Child::KillAndReap() {
  if (pid_ <= 0) return;
  Signal(SIGKILL);
  if (pidfd_ && !WaitPidfd(pidfd_.get(), 0) && Await(pidfd_.get(), POLLIN, kPatience))
    WaitPidfd(pidfd_.get(), 0);
  Forget();
}

void Child::Forget() {
  pid_ = -1;
  pidfd_.Reset();
}

std::optional<ExitStatus> Child::Ended() const {
  if (pid_ <= 0) return std::nullopt;
  auto status = WaitPidfd(pidfd_.get(), WNOWAIT);
  if (!status && !adopted_ && Await(pidfd_.get(), POLLIN, kAtOnce)) {
    status = WaitPidfd(pidfd_.get(), WNOWAIT);  // it died in between
    if (!status) status = StatusOfZombie(pid_).value_or(ExitStatus{SIGKILL, 0});
  }
  return status;
}

bool Child::IsDead() const { return pid_ <= 0 || !pidfd_ || Await(pidfd_.get(), POLLIN, kAtOnce); }

std::optional<ExitStatus> Child::TryReap() {
  const auto status = Ended();
  if (!status) return std::nullopt;
  WaitPidfd(pidfd_.get(), 0);
  Forget();
  return status;
}

void Child::Signal(int signal) const {
  if (pid_ > 0) SignalPidfd(pidfd_.get(), signal);
}

}  // namespace hydrapool::sys
