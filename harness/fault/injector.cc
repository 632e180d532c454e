#include "harness/fault/injector.h"

#include <fmt/format.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "harness/fault/process_tree.h"
#include "harness/fault/small_disk.h"
#include "pool/sys/program.h"

namespace hydrapool::harness {
namespace {

constexpr sys::Nanos kSeenToRun = 100 * sys::kMicrosecond;

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

int Spin(int core) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::close_range(STDERR_FILENO + 1, ~0u, 0);
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<std::size_t>(core), &only);
  if (::sched_setaffinity(0, sizeof only, &only) != 0) return 1;
  for (volatile unsigned turns = 0;;) turns = turns + 1;
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
  if (victim != main_ && victim != parent_ && !IsOf(*now, main_.pid) && !IsOf(*now, parent_.pid))
    return fmt::format("pid {} is not a child of {}", victim.pid, main_.pid);
  return WhyAnotherUsers(victim.pid, limits_.any_user);
}

sys::Result<Blow> Injector::Strike(const Identity& victim, Fault fault, const Harm& harm) {
  if (auto why = WhyNotAtAll(victim.pid, ours_)) return sys::Failure(std::move(*why));
  Blow blow{.fault = fault, .victim = victim, .pidfd = sys::OpenPidfd(victim.pid), .harm = harm};
  if (!blow.pidfd) return sys::Failure(fmt::format("pid {} is gone", victim.pid));
  if (auto why = WhyNot(victim)) return sys::Failure(std::move(*why));
  const FaultInfo& info = InfoOf(fault);
  if (info.signal != 0) {
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

sys::Result<void> Injector::Hold(Blow& blow) {
  StartGuard();
  switch (blow.fault) {
    case Fault::kDescriptors:
      return HoldLimit(blow, RLIMIT_NOFILE, FirstFreeDescriptor(blow.victim.pid));
    case Fault::kAddressSpace:
      return HoldLimit(blow, RLIMIT_AS, AddressSpaceOf(blow.victim.pid));
    case Fault::kProcesses:
      return HoldProcesses(blow);
    case Fault::kCpu:
      return HoldCore(blow);
    case Fault::kNetwork:
      return HoldNetwork(blow);
    case Fault::kFullDisk:
      return HoldDisk(blow);
    case Fault::kOom:
    case Fault::kThrottle: {
      const auto group = VictimGroup::Of(*ScarceBy(blow.fault), blow.victim.pid);
      if (!group) return tl::unexpected(group.error());
      return HoldInGroup(blow, *group);
    }
    default:
      Remember(blow, {.kind = Undo::Kind::kContinue, .victim = blow.victim});
      if (sys::SignalPidfd(blow.pidfd.get(), SIGSTOP)) return {};
      TakeBack(blow);
      return sys::Failure(fmt::format("pid {} did not take the signal", blow.victim.pid));
  }
}

sys::Result<void> Injector::HoldLimit(Blow& blow, int resource, std::optional<std::uint64_t> in_use) {
  const pid_t pid = blow.victim.pid;
  const auto before = LimitOf(pid, resource);
  if (!in_use || !before)
    return sys::Failure(fmt::format("pid {} does not let this user see what it has in use", pid));
  Remember(blow, {.kind = Undo::Kind::kLimit, .victim = blow.victim, .resource = resource, .limit = *before});
  if (SetLimit(pid, resource, {.soft = std::min(*in_use, before->hard), .hard = before->hard})) return {};
  TakeBack(blow);
  return sys::Failure(fmt::format("pid {} does not let this user set its limits", pid));
}

sys::Result<void> Injector::HoldCore(Blow& blow) {
  const auto core = LastCoreOf(blow.victim.pid);
  if (!core) return sys::Failure(fmt::format("pid {} is gone", blow.victim.pid));
  blow.helper = sys::Child::Fork([core = *core] { return Spin(core); });
  const auto hog = ReadProcess(blow.helper.pid());
  if (hog) Remember(blow, {.kind = Undo::Kind::kEnd, .victim = hog->identity});
  return {};
}

sys::Result<void> Injector::HoldNetwork(Blow& blow) {
  const NetworkHarm harm = blow.harm.network.value_or(NetworkHarm{});
  const std::string name = NameOfHarm(harm, NextToken());
  Undo undo{.kind = Undo::Kind::kNetwork, .victim = blow.victim};
  Undo::Note(name, undo.path);
  Remember(blow, undo);
  auto begun = BeginHarm(harm, blow.harm.port, name);
  if (!begun) TakeBack(blow);
  blow.ended_ports = PortsDisconnected(name);
  return begun;
}

sys::Result<void> Injector::HoldDisk(Blow& blow) {
  const std::string token = NextToken();
  Undo undo{.kind = Undo::Kind::kRemove, .victim = blow.victim};
  if (!Undo::Note(PathOfFilling(blow.harm.disk, token), undo.path))
    return sys::Failure("the path is too long");
  Remember(blow, undo);
  auto filled = Fill(blow.harm.disk, token);
  if (!filled) TakeBack(blow);
  return filled;
}

sys::Result<void> Injector::HoldProcesses(Blow& blow) {
  const auto group = VictimGroup::Of(Scarce::kProcesses, blow.victim.pid);
  if (group) return HoldInGroup(blow, *group);
  if (!CanExceedLimits(blow.victim.pid)) return HoldLimit(blow, RLIMIT_NPROC, 0);
  return sys::Failure(
      fmt::format("pid {} is root's, which may start processes beyond any limit of its own; {}",
                  blow.victim.pid, group.error().message));
}

sys::Result<void> Injector::HoldInGroup(Blow& blow, const VictimGroup& group) {
  Undo undo{.kind = Undo::Kind::kGroup, .victim = blow.victim, .scarce = *ScarceBy(blow.fault)};
  if (!Undo::Note(group.path(), undo.path) || !Undo::Note(group.from(), undo.from))
    return sys::Failure("the path is too long");
  Remember(blow, undo);
  auto taken = group.Take(blow.victim.pid);
  if (!taken) TakeBack(blow);
  return taken;
}

std::string Injector::NextToken() {
  const Identity own = IdentityOf(::getpid());
  return fmt::format("{}_{}_{}", own.pid, own.start_time, ++harms_);
}

void Injector::Remember(Blow& blow, const Undo& undo) {
  blow.undo = undo;
  blow.guarded = Remember(undo);
}

std::uint64_t Injector::Remember(const Undo& undo) {
  StartGuard();
  return guard_->Remember(undo);
}

void Injector::Forget(std::uint64_t remembered) { guard_->Forget(remembered); }

bool Injector::Holds(const Blow& blow) {
  switch (blow.fault) {
    case Fault::kStop: {
      const auto process = ReadProcess(blow.victim.pid);
      return process && process->state == 'T';
    }
    case Fault::kDescriptors:
    case Fault::kAddressSpace:
    case Fault::kProcesses:
    case Fault::kThrottle: {
      if (blow.undo.kind == Undo::Kind::kGroup) return GroupOf(blow.undo).HoldsBack(blow.victim.pid);
      const auto now = LimitOf(blow.victim.pid, blow.undo.resource);
      return now && now->soft < blow.undo.limit.soft;
    }
    case Fault::kCpu:
      return CpuTimeOf(blow.helper.pid()).value_or(0) >= kSeenToRun;
    case Fault::kNetwork:
      return PacketsHarmed(blow.undo.path.data()).value_or(0) > 0;
    case Fault::kFullDisk:
      return IsFull(blow.harm.disk);
    case Fault::kOom:
      return GroupOf(blow.undo).HasKilled();
    default:
      return false;
  }
}

bool Injector::TakeBack(Blow& blow) {
  if (!blow.guarded) return true;
  const bool back = harness::TakeBack(blow.undo, blow.helper ? blow.helper.pidfd() : blow.pidfd.get());
  if (!back) return false;
  guard_->Forget(*blow.guarded);
  blow.guarded.reset();
  blow.helper = {};
  hurt_.erase({blow.victim.pid, blow.victim.start_time});
  return true;
}

}  // namespace hydrapool::harness
