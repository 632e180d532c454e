#include "harness/fault/injector.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>

#include "harness/fault/process_tree.h"
#include "pool/sys/child.h"

namespace hydrapool::harness {
namespace {

std::optional<std::string> WhyNotAtAll(pid_t pid) {
  if (pid <= 1) return fmt::format("pid {} is never a target", pid);
  const auto ours = WithAncestors(::getpid());
  if (pid == ours.front()) return fmt::format("pid {} is the injector itself", pid);
  if (std::ranges::find(ours, pid) != ours.end())
    return fmt::format("pid {} is the injector's ancestor", pid);
  return std::nullopt;
}

std::optional<std::string> WhyNotThisOne(const Identity& victim, pid_t parent) {
  const auto now = ReadProcess(victim.pid);
  if (!now || !now->alive()) return fmt::format("pid {} was already dead", victim.pid);
  if (now->identity != victim) return fmt::format("pid {} is another process by now", victim.pid);
  if (now->parent != parent) return fmt::format("pid {} is not a child of {}", victim.pid, parent);
  if (RealUid(victim.pid) != ::getuid()) return fmt::format("pid {} belongs to another user", victim.pid);
  return std::nullopt;
}

}  // namespace

sys::Result<Blow> Strike(const Identity& victim, pid_t parent, Fault fault) {
  if (auto why = WhyNotAtAll(victim.pid)) return sys::Failure(std::move(*why));
  sys::UniqueFd pidfd = sys::OpenPidfd(victim.pid);
  if (!pidfd) return sys::Failure(fmt::format("pid {} is gone", victim.pid));
  if (auto why = WhyNotThisOne(victim, parent)) return sys::Failure(std::move(*why));
  Blow blow{.pidfd = std::move(pidfd), .sent = sys::Now()};
  if (!sys::SignalPidfd(blow.pidfd.get(), SignalOf(fault))) {
    return sys::Failure(fmt::format("pid {} did not take the signal", victim.pid));
  }
  return blow;
}

}  // namespace hydrapool::harness
