#include "pool/launchers_of_site.h"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "pool/cgi/launch_server.h"
#include "pool/parent/pool.h"
#include "pool/shared/launchers.h"
#include "pool/sys/file.h"
#include "pool/sys/inheritance.h"
#include "pool/sys/lifeline.h"
#include "pool/sys/log_file.h"

namespace hydrapool::server {
namespace {

const std::string kLeft = "launcher.";

std::set<std::string> UsersOf(const cgi::Config& config) {
  std::set<std::string> users;
  for (const cgi::ProgramRule& rule : config.rules) {
    if (rule.key == "user") users.insert(rule.value);
  }
  return users;
}

sys::User UserFor(const std::string& name) {
  auto user = sys::FindUser(name);
  if (!user) throw std::runtime_error("a program's user: " + user.error().message);
  if (user->uid == 0) throw std::runtime_error("a program's user: no program is started as root");
  return *user;
}

std::runtime_error NoLauncher(const std::string& name) {
  return std::runtime_error("a program as " + name + " needs a start as root, with --user and a supervisor");
}

void RefuseTooMany(std::size_t users) {
  if (users > PoolLife::kMostLaunchers) throw std::runtime_error("programs of more than 8 users");
}

void Keep(std::vector<cgi::LaunchPlan> plans, const Pool& pool, const Options& options) {
  const sys::Lifeline& lifeline = LifelineOf(pool);
  const cgi::LaunchSeat seat{.table = TableOf(pool),
                             .life = LifeOf(pool),
                             .bell = BellOf(pool),
                             .doorbell = DoorbellOf(pool),
                             .lifeline = lifeline.PathOfLower(),
                             .lifeline_fd = lifeline.lower()};
  std::vector<int> kept = sys::LogFile::Descriptors();
  for (const cgi::LaunchPlan& plan : plans) kept.push_back(plan.channel.fd());
  kept.push_back(seat.doorbell);
  kept.push_back(seat.lifeline_fd);
  sys::CloseAllBut(std::move(kept));
  cgi::KeepLaunchers(plans, *options.site.cgi, options.site.mounts, options.site.rules, seat);
}

}  // namespace

void CheckLaunchers(const Options& options) {
  if (!options.site.cgi) return;
  const std::set<std::string> users = UsersOf(*options.site.cgi);
  for (const std::string& name : users) {
    if (!options.pool.supervised || !options.user) throw NoLauncher(name);
    UserFor(name);
  }
  RefuseTooMany(users.size());
}

void MakeLaunchers(const Pool& pool, const Options& options) {
  for (auto& [user, fd] : sys::inheritance::TakeAll(kLeft)) {
    sys::inheritance::Leave(kLeft + user, fd.get());
    launchers::Add(user, sys::Channel(std::move(fd)));
  }
  if (!options.site.cgi) return;
  std::vector<cgi::LaunchPlan> plans;
  for (const std::string& name : UsersOf(*options.site.cgi)) {
    if (launchers::Of(name) != nullptr) continue;
    if (::geteuid() != 0 || !options.pool.supervised || !options.user) throw NoLauncher(name);
    auto [ours, theirs] = sys::MakeChannel();
    plans.push_back({.name = name, .user = UserFor(name), .channel = std::move(theirs)});
    sys::inheritance::Leave(kLeft + name, ours.fd());
    launchers::Add(name, std::move(ours));
  }
  if (plans.empty()) return;
  RefuseTooMany(plans.size());
  const pid_t pid = ::fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) Keep(std::move(plans), pool, options);
}

}  // namespace hydrapool::server
