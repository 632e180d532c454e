// Injector, of what is held: how it is done, whether it is seen to be there, and how it is taken back.
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "harness/fault/injector.h"
#include "harness/fault/process_tree.h"
#include "harness/fault/small_disk.h"

namespace hydrapool::harness {
namespace {

constexpr sys::Nanos kSeenToRun = 100 * sys::kMicrosecond;

int Spin(int core, pid_t injector) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != injector) return 1;
  ::close_range(STDERR_FILENO + 1, ~0u, 0);
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<std::size_t>(core), &only);
  if (::sched_setaffinity(0, sizeof only, &only) != 0) return 1;
  for (volatile unsigned turns = 0;;) turns = turns + 1;
}

/// The limit that it had until then; nullopt where the kernel refuses.
std::optional<Limit> Exchange(pid_t pid, int resource, const Limit& limit) {
  const rlimit wanted{.rlim_cur = limit.soft, .rlim_max = limit.hard};
  rlimit had{};
  if (::prlimit(pid, static_cast<__rlimit_resource>(resource), &wanted, &had) != 0) return std::nullopt;
  return Limit{.soft = had.rlim_cur, .hard = had.rlim_max};
}

/// Below this all are taken. For who may not look: a server that is not dumpable, as hydrapool, tells its own
/// user nothing of its descriptors.
constexpr std::uint64_t kStandardStreams = 3;

std::optional<bool> SeenAtLast(bool seen) { return seen ? std::optional(true) : std::nullopt; }

// What is pending is read first: a stop that is taken meanwhile shows in the state.
std::optional<bool> StandsStill(const Identity& victim) {
  const auto sets = ReadSignalSets(victim.pid);
  const auto process = ReadProcess(victim.pid);
  if (!process || process->identity != victim) return std::nullopt;
  if (process->state == 'T') return true;
  return !sets || Holds(sets->pending, SIGSTOP) ? std::nullopt : std::optional(false);
}

}  // namespace

sys::Result<void> Injector::Hold(Blow& blow) {
  StartGuard();
  switch (blow.fault) {
    case Fault::kDescriptors:
      return HoldLimit(blow, RLIMIT_NOFILE, FirstFreeDescriptor(blow.victim.pid).value_or(kStandardStreams));
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
  Undo undo{.kind = Undo::Kind::kLimit, .victim = blow.victim, .resource = resource, .limit = *before};
  Remember(blow, undo);
  const auto had = Exchange(pid, resource, {.soft = std::min(*in_use, before->hard), .hard = before->hard});
  if (had && had->soft > before->soft) {  // another injector has taken its own back in between
    Forget(*blow.guarded);
    undo.limit = *had;
    Remember(blow, undo);
  }
  if (had) return {};
  TakeBack(blow);
  return sys::Failure(fmt::format("pid {} does not let this user set its limits", pid));
}

sys::Result<void> Injector::HoldCore(Blow& blow) {
  const auto core = LastCoreOf(blow.victim.pid);
  if (!core) return sys::Failure(fmt::format("pid {} is gone", blow.victim.pid));
  blow.helper = sys::Child::Fork([core = *core, injector = ::getpid()] { return Spin(core, injector); });
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
  const Identity own = ReadProcess(::getpid())->identity;
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

std::optional<bool> Injector::Holds(const Blow& blow) {
  switch (blow.fault) {
    case Fault::kStop:
      return StandsStill(blow.victim);
    case Fault::kDescriptors:
    case Fault::kAddressSpace:
    case Fault::kProcesses:
    case Fault::kThrottle: {
      if (blow.undo.kind == Undo::Kind::kGroup) return GroupOf(blow.undo).HoldsBack(blow.victim.pid);
      const auto now = LimitOf(blow.victim.pid, blow.undo.resource);
      return now ? std::optional(now->soft < blow.undo.limit.soft) : std::nullopt;
    }
    case Fault::kCpu:
      if (blow.helper.Ended()) return false;
      return SeenAtLast(CpuTimeOf(blow.helper.pid()).value_or(0) >= kSeenToRun);
    case Fault::kNetwork: {
      const auto packets = PacketsHarmed(blow.undo.path.data());
      return packets ? SeenAtLast(*packets > 0) : false;
    }
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
