// Makes launchers, and again each that ends: of a user's own, whose programs can kill it.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pool/cgi/launch_server.h"
#include "pool/sys/child.h"
#include "pool/sys/clock.h"
#include "pool/sys/file.h"
#include "pool/sys/kill.h"
#include "pool/sys/lifeline.h"
#include "pool/sys/log.h"
#include "pool/sys/log_file.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::cgi {
namespace {

constexpr sys::Nanos kYoung = sys::kSecond;

struct Kept {
  pid_t pid = 0;
  sys::Nanos started_at = 0;
};

void TieToPool(const LaunchSeat& seat) {
  if (sys::Lifeline::Tie(seat.lifeline.c_str(), ::getpid()) < 0) ::_exit(1);
  ::prctl(PR_SET_DUMPABLE, 0);
}

[[noreturn]] void BeLauncher(const LaunchPlan& plan, const Config& config, const std::vector<Mount>& mounts,
                             const MountRules& rules, const LaunchSeat& seat, LauncherLife& life) {
  try {
    std::vector<int> kept = sys::LogFile::Descriptors();
    kept.insert(kept.end(), {plan.channel.fd(), seat.doorbell, seat.lifeline_fd});
    sys::CloseAllBut(std::move(kept));
    const Mounts opened(mounts, rules);
    sys::Channel channel{sys::UniqueFd(::fcntl(plan.channel.fd(), F_DUPFD_CLOEXEC, 3))};
    if (const auto become = sys::Become(plan.user); !become) {
      sys::log::Error("no launcher for {}: {}", plan.name, become.error().message);
      ::_exit(1);
    }
    TieToPool(seat);
    LaunchServer(plan.name, std::move(channel), config, opened, seat, life).Run();
  } catch (const std::exception& error) {
    sys::log::Error("the launcher for {} failed: {}", plan.name, error.what());
  }
  ::_exit(1);
}

void Pause() {
  const timespec pause{0, 200'000'000};
  ::nanosleep(&pause, nullptr);
}

Kept Make(const LaunchPlan& plan, const Config& config, const std::vector<Mount>& mounts,
          const MountRules& rules, const LaunchSeat& seat, LauncherLife& life) {
  const pid_t pid = ForkInTheEnd(plan.name, ::fork, Pause);
  if (pid == 0) BeLauncher(plan, config, mounts, rules, seat, life);
  life.pid = pid;
  return {pid, sys::Now()};
}

}  // namespace

pid_t ForkInTheEnd(const std::string& whose, const std::function<pid_t()>& fork,
                   const std::function<void()>& pause) {
  for (bool failed = false;; failed = true) {
    const pid_t pid = fork();
    if (pid >= 0) return pid;
    if (!failed) sys::log::Error("no launcher for {} yet: {}", whose, std::strerror(errno));
    pause();
  }
}

void KeepLaunchers(const std::vector<LaunchPlan>& plans, const Config& config,
                   const std::vector<Mount>& mounts, const MountRules& rules, const LaunchSeat& seat) {
  TieToPool(seat);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2}) ::signal(signal, SIG_IGN);
  LauncherLife& own = seat.life.launchers[0];
  own.pid = ::getpid();
  std::vector<Kept> kept;
  for (std::size_t i = 0; i < plans.size(); ++i)
    kept.push_back(Make(plans[i], config, mounts, rules, seat, seat.life.launchers[i + 1]));
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOWAIT) != 0) {
      if (errno != EINTR) ::pause();
      continue;
    }
    siginfo_t taken{};
    if (info.si_code == CLD_STOPPED) {
      ::waitid(P_PID, static_cast<id_t>(info.si_pid), &taken, WSTOPPED | WNOHANG);
      for (const Kept& each : kept) {
        if (each.pid == info.si_pid) sys::Kill(each.pid, SIGCONT);
      }
      continue;
    }
    std::optional<std::size_t> which;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (kept[i].pid == info.si_pid) which = i;
    }
    // A program whose launcher has died.
    if (!which) TellEnd(seat, own, info.si_pid, sys::ExitStatus::FromSiginfo(info));
    sys::ReapChild(info.si_pid);
    if (!which) continue;
    sys::log::Warn("the launcher for {} ended: {}", plans[*which].name,
                   sys::ExitStatus::FromSiginfo(info).Describe());
    if (sys::Now() - kept[*which].started_at < kYoung) Pause();
    kept[*which] = Make(plans[*which], config, mounts, rules, seat, seat.life.launchers[*which + 1]);
  }
}

}  // namespace hydrapool::cgi
