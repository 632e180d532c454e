#include "harness/fault/injector.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>

#include "harness/fault/process_tree.h"
#include "pool/sys/program.h"

namespace hydrapool::harness {
namespace {

/// `ours`: this process and its ancestors.
std::optional<std::string> WhyNotAtAll(pid_t pid, const std::vector<pid_t>& ours) {
  if (pid <= 1) return fmt::format("pid {} is never a target", pid);
  if (pid == ours.front()) return fmt::format("pid {} is the injector itself", pid);
  if (std::ranges::find(ours, pid) != ours.end())
    return fmt::format("pid {} is the injector's ancestor", pid);
  return std::nullopt;
}

Identity IdentityOf(pid_t pid) {
  const auto process = ReadProcess(pid);
  return process ? process->identity : Identity{.pid = pid};
}

}  // namespace

std::optional<std::string> WhyAnotherUsers(pid_t pid, bool any_user) {
  const auto uid = RealUid(pid);
  if (!uid || *uid == ::getuid()) return std::nullopt;
  if (any_user && ::geteuid() == 0) return std::nullopt;
  const passwd* owner = ::getpwuid(*uid);
  return fmt::format(
      "pid {} belongs to another user, {}{}", pid,
      owner != nullptr ? std::string(owner->pw_name) : fmt::to_string(*uid),
      ::geteuid() == 0 ? "; --any-user hurts it all the same" : "; root can hurt it, with --any-user");
}

std::optional<std::string> WhyNoCommand(Fault fault, const Commands& commands, bool is_hydrapool) {
  if (commands.contains(fault)) return std::nullopt;
  const bool by_signal = fault != Fault::kRestart && (fault != Fault::kUpgrade || is_hydrapool);
  if (by_signal) return std::nullopt;
  return fmt::format("{} needs the server's own command for it", Name(fault));
}

void Injector::StartGuard() {
  if (!guard_) guard_ = std::make_unique<Guard>();
}

Injector::Injector(pid_t main, const InjectLimits& limits, Commands commands)
    : ours_(WithAncestors(::getpid())),
      main_(IdentityOf(main)),
      parent_(main_),
      limits_(limits),
      commands_(std::move(commands)) {}

std::optional<std::string> Injector::Follow(const ServerProcesses& now) {
  const ProcessView* main = now.main();
  if (main == nullptr) return fmt::format("pid {} is gone", main_.pid);
  if (main->identity != main_ && main->identity != parent_)
    return fmt::format("pid {} is not of the server that was there, pid {}", main->identity.pid, main_.pid);
  main_ = main->identity;
  if (now.parent) parent_ = now.parent->identity;
  supervised_ |= now.supervisor && now.parent;
  return std::nullopt;
}

ServerProcesses Injector::WithoutLastHead(ServerProcesses server) const {
  if (supervised_ && !(server.supervisor && server.parent)) {
    server.supervisor.reset();
    server.parent.reset();
  }
  return server;
}

std::vector<ProcessView> Injector::Unhurt(const std::vector<ProcessView>& workers) const {
  std::vector<ProcessView> unhurt;
  std::ranges::copy_if(workers, std::back_inserter(unhurt), [this](const ProcessView& worker) {
    return !worker.leaving && !hurt_.contains({worker.identity.pid, worker.identity.start_time});
  });
  return unhurt;
}

std::optional<std::string> Injector::WhyTooMany(Fault fault, std::size_t victims, std::size_t unhurt) const {
  const Effect effect = InfoOf(fault).effect;
  if (effect == Effect::kTells || effect == Effect::kRenews || victims + limits_.min_alive <= unhurt)
    return std::nullopt;
  return fmt::format("{} of {} unhurt workers are to be left alone (min-alive)", limits_.min_alive, unhurt);
}

std::optional<std::string> Injector::WhyNot(const Identity& victim) const {
  const auto now = ReadProcess(victim.pid);
  if (!now || !now->alive()) return fmt::format("pid {} was already dead", victim.pid);
  if (now->identity != victim) return fmt::format("pid {} is another process by now", victim.pid);
  const bool is_child = now->parent == main_.pid || now->parent == parent_.pid;
  if (victim != main_ && victim != parent_ && !is_child && !IsOf(*now, main_.pid) && !IsOf(*now, parent_.pid))
    return fmt::format("pid {} is not a child of {}", victim.pid, main_.pid);
  return WhyAnotherUsers(victim.pid, limits_.any_user);
}

sys::Result<Blow> Injector::Strike(const Identity& victim, Fault fault, const Harm& harm) {
  if (auto why = WhyNotAtAll(victim.pid, ours_)) return sys::Failure(std::move(*why));
  Blow blow{.fault = fault, .victim = victim, .pidfd = sys::OpenPidfd(victim.pid), .harm = harm};
  if (!blow.pidfd) return sys::Failure(fmt::format("pid {} is gone", victim.pid));
  if (auto why = WhyNot(victim)) return sys::Failure(std::move(*why));
  const FaultInfo& info = InfoOf(fault);
  if (info.effect == Effect::kTells) {
    const auto sets = ReadSignalSets(victim.pid);
    blow.ignored = sets && harness::Holds(sets->ignored, info.signal);
  }
  blow.sent = sys::Now();
  if (info.effect == Effect::kHolds || fault == Fault::kOom) {
    if (const auto held = Hold(blow); !held) return tl::unexpected(held.error());
  } else if (commands_.contains(fault)) {
    blow.helper = sys::StartProgram(commands_.at(fault), {.output = "/dev/null", .own_group = true});
  } else if (!sys::SignalPidfd(blow.pidfd.get(), info.signal)) {
    return sys::Failure(fmt::format("pid {} did not take the signal", victim.pid));
  }
  ++blows_;
  if (info.effect != Effect::kTells && info.effect != Effect::kRenews)
    hurt_.emplace(victim.pid, victim.start_time);
  return blow;
}

}  // namespace hydrapool::harness
