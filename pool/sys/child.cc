#include "pool/sys/child.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <utility>

#include "pool/sys/error.h"
#include "pool/sys/log_line.h"
#include "pool/sys/signals.h"

namespace hydrapool::sys {
namespace {

// waitid's P_PIDFD; glibc 2.36 has it, but only behind _GNU_SOURCE headers that differ between versions.
constexpr auto kPidfdIdType = static_cast<idtype_t>(3);

std::optional<ExitStatus> WaitPidfd(int pidfd, int flags) {
  siginfo_t info{};
  int result;
  do {
    result = ::waitid(kPidfdIdType, static_cast<id_t>(pidfd), &info, WEXITED | flags);
  } while (result != 0 && errno == EINTR);
  if (result != 0 || info.si_pid == 0) return std::nullopt;
  return ExitStatus::FromSiginfo(info);
}

}  // namespace

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
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    child.pid_ = -1;
    ThrowErrno(error, "pidfd_open");
  }
  return child;
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    KillAndReap();
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::move(other.pidfd_);
  }
  return *this;
}

Child::~Child() { KillAndReap(); }

void Child::KillAndReap() {
  if (pid_ <= 0) return;
  Signal(SIGKILL);
  WaitPidfd(pidfd_.get(), 0);
  pid_ = -1;
  pidfd_.Reset();
}

std::optional<ExitStatus> Child::TryReap() {
  if (pid_ <= 0) return std::nullopt;
  const auto status = WaitPidfd(pidfd_.get(), WNOHANG);
  if (status) {
    pid_ = -1;
    pidfd_.Reset();
  }
  return status;
}

void Child::Signal(int signal) const {
  if (pid_ > 0) SignalPidfd(pidfd_.get(), signal);
}

}  // namespace hydrapool::sys
