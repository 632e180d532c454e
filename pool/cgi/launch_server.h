#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pool/cgi/environment.h"
#include "pool/cgi/handler.h"
#include "pool/cgi/mounts.h"
#include "pool/cgi/program_rules.h"
#include "pool/http/request_parser.h"
#include "pool/shared/launchers.h"
#include "pool/shared/lease_table.h"
#include "pool/shared/pool_life.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/channel.h"
#include "pool/sys/descendants.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/privileges.h"

namespace hydrapool::cgi {

struct LaunchOrder;

/// A pool, as its launchers see it.
struct LaunchSeat {
  LeaseTable& table;
  PoolLife& life;
  Doorbell& bell;
  int doorbell = -1;     ///< wakes the parent
  std::string lifeline;  ///< sys::Lifeline::PathOfLower: launchers and programs end with the pool
  int lifeline_fd = -1;
};

/// Starts programs as one other user than the pool's, for workers that could not.
///
/// It is that user itself, for good, and has no rights that its programs do not have. What it is told, over
/// a socket that all workers have, it takes for a stranger's: a request (launch_order.h), of which its own
/// configuration says which program that is, and whether this user runs it; so whoever owns a worker can have
/// it start what any client of the server could, and can say who asks, and no more. It signals no process but
/// those that it or a launcher before it has started, and what these have.
///
/// Its programs are its children. It tells the parent of their ends (PoolLife::launchers), as a supervisor
/// does, and the lease's gate (program_start.h) decides whether they may run: so each runs once, and lives on
/// when its worker, the parent or the supervisor dies.
///
/// Not promised: that it believes its workers only where they tell the truth about the client's address and
/// REMOTE_USER.
class LaunchServer {
 public:
  /// In its process, which is `user` by now. `mounts` were opened before.
  LaunchServer(std::string user, sys::Channel channel, const Config& config, const Mounts& mounts,
               const LaunchSeat& seat, LauncherLife& life);
  [[noreturn]] void Run();

 private:
  struct Program {
    bool terminating = false;
    std::vector<sys::FoundProcess> below;
  };
  void OnMessages();
  /// 0, or an errno.
  [[nodiscard]] int Start(const ToLauncher& message, std::vector<sys::UniqueFd>& fds);
  [[nodiscard]] int StartFor(const http::Request& request, const LaunchOrder& order,
                             const ToLauncher& message, const std::vector<sys::UniqueFd>& fds);
  void Signal(pid_t pid, int signal);
  /// It was started by a launcher that has died, and is their keeper's child since.
  [[nodiscard]] bool IsLeft(pid_t pid) const;
  void Reap();

  const std::string user_;
  const sys::Channel channel_;
  const Config& config_;
  const Mounts& mounts_;
  const LaunchSeat seat_;
  LauncherLife& life_;
  ServerFacts facts_;
  const ProgramRules rules_;
  http::RequestParser parser_;
  sys::EventLoop loop_;
  sys::EventLoop::Timer again_;
  std::map<pid_t, Program> programs_;
  std::optional<int> oom_score_;
  std::uint64_t ignored_ = 0;
};

/// One launcher to be: who it is, and its end of the socket.
struct LaunchPlan {
  std::string name;  ///< as configured
  sys::User user;
  sys::Channel channel;
};

/// In a process of its own, made as root: makes a launcher for each plan, and again each that ends. It
/// listens to nobody. (A program can kill its user's launcher, but not this.) Ends with the pool.
[[noreturn]] void KeepLaunchers(const std::vector<LaunchPlan>& plans, const Config& config,
                                const std::vector<Mount>& mounts, const MountRules& rules,
                                const LaunchSeat& seat);

/// A child, whenever it can be had: after each failure, of which the first is logged, there is a pause.
pid_t ForkInTheEnd(const std::string& whose, const std::function<pid_t()>& fork,
                   const std::function<void()>& pause);

/// Tells the parent of a program's end, unless so many ends wait already.
bool TellEnd(const LaunchSeat& seat, LauncherLife& life, pid_t pid, const sys::ExitStatus& status);

}  // namespace hydrapool::cgi
