#include "pool/parent/kinship.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "pool/sys/child.h"
#include "pool/sys/descendants.h"

namespace hydrapool {
namespace {

// waitid knows our own children, dead or alive.
bool IsOwnChild(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

}  // namespace

// What is read of several processes fits together only if the supervisor has not died in between.
Kin Kinship::Of(pid_t pid) const {
  for (;;) {
    const pid_t own_parent = ::getppid();
    const Kin kin = Of(pid, own_parent);
    if (::getppid() == own_parent) return kin;
  }
}

Kin Kinship::Of(pid_t pid, pid_t own_parent) const {
  const pid_t supervisor = life_ != nullptr ? life_->supervisor.load() : 0;
  if (pid <= 1 || pid == supervisor || pid == ::getpid()) return Kin::kNone;
  if (IsOwnChild(pid)) return Kin::kChild;
  if (life_ == nullptr) return Kin::kNone;
  const pid_t parent = sys::ParentOf(pid);
  if (parent <= 0) return Kin::kNone;
  const bool supervised = supervisor != 0 && own_parent == supervisor;
  if (supervised && parent == supervisor) return Kin::kSupervisors;
  if (std::ranges::any_of(life_->launchers, [parent](const auto& each) { return each.pid == parent; }))
    return Kin::kLaunched;
  const bool has_just_died = supervisor != 0 && !supervised;
  const bool sibling = parent == (supervised ? sys::ParentOf(supervisor) : own_parent);
  return sibling && (orphans() || has_just_died) ? Kin::kOrphan : Kin::kNone;
}

// The order matters: an obituary is there before its process is gone.
bool Kinship::EndedUntold(pid_t pid) const {
  const Kin kin = Of(pid);
  if (kin == Kin::kOrphan) return sys::StatusOfZombie(pid).has_value();
  if (kin != Kin::kNone) return false;
  const auto tells = [pid](const LauncherLife& each) { return each.obituaries.TellsOf(pid); };
  return life_ == nullptr ||
         (!life_->obituaries.TellsOf(pid) && std::ranges::none_of(life_->launchers, tells));
}

}  // namespace hydrapool
