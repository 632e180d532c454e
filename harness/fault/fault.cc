#include "harness/fault/fault.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "pool/sys/nearest_name.h"

namespace hydrapool::harness {
namespace {

constexpr std::array kTargets{
    std::pair<std::string_view, Target::Kind>{"all", Target::kAll},
    std::pair<std::string_view, Target::Kind>{"all-but-one", Target::kAllButOne},
    std::pair<std::string_view, Target::Kind>{"any", Target::kAny},
    std::pair<std::string_view, Target::Kind>{"busiest", Target::kBusiest},
    std::pair<std::string_view, Target::Kind>{"cgi-of=SLOT", Target::kCgiOf},
    std::pair<std::string_view, Target::Kind>{"idle", Target::kIdle},
    std::pair<std::string_view, Target::Kind>{"oldest", Target::kOldest},
    std::pair<std::string_view, Target::Kind>{"parent", Target::kParent},
    std::pair<std::string_view, Target::Kind>{"random", Target::kRandom},
    std::pair<std::string_view, Target::Kind>{"server", Target::kServer},
    std::pair<std::string_view, Target::Kind>{"slot=N", Target::kSlot},
    std::pair<std::string_view, Target::Kind>{"supervisor", Target::kSupervisor},
    std::pair<std::string_view, Target::Kind>{"youngest", Target::kYoungest},
};

std::vector<std::string_view> NamesOfFaults() {
  std::vector<std::string_view> names;
  for (const FaultInfo& info : AllFaults()) names.push_back(info.name);
  return names;
}

std::vector<std::string_view> NamesOfTargets() {
  std::vector<std::string_view> names;
  for (const auto& [name, kind] : kTargets) names.push_back(name);
  return names;
}

}  // namespace

const std::vector<FaultInfo>& AllFaults() {
  static const std::vector<FaultInfo> faults{
      {Fault::kKill, "kill", Effect::kEnds, SIGKILL, "SIGKILL: gone at whatever instruction it was"},
      {Fault::kTerm, "term", Effect::kAsks, SIGTERM, "SIGTERM: asked to leave"},
      {Fault::kInt, "int", Effect::kAsks, SIGINT, "SIGINT"},
      {Fault::kQuit, "quit", Effect::kAsks, SIGQUIT, "SIGQUIT"},
      {Fault::kHup, "hup", Effect::kTells, SIGHUP, "SIGHUP: whatever the server makes of it"},
      {Fault::kUsr1, "usr1", Effect::kTells, SIGUSR1, "SIGUSR1"},
      {Fault::kUsr2, "usr2", Effect::kTells, SIGUSR2, "SIGUSR2"},
      {Fault::kSegv, "segv", Effect::kEnds, SIGSEGV, "SIGSEGV: as a crash"},
      {Fault::kAbrt, "abrt", Effect::kEnds, SIGABRT, "SIGABRT: as a failed assertion"},
      {Fault::kStop, "stop", Effect::kHolds, SIGSTOP, "frozen (SIGSTOP) for a time"},
      {Fault::kDescriptors, "descriptors", Effect::kHolds, 0,
       "can open nothing more for a time (RLIMIT_NOFILE)"},
      {Fault::kAddressSpace, "address-space", Effect::kHolds, 0,
       "can map no more memory for a time (RLIMIT_AS)"},
      {Fault::kCpu, "cpu", Effect::kHolds, 0, "shares its core with a process that spins, for a time"},
      {Fault::kProcesses, "processes", Effect::kHolds, 0,
       "can start no process for a time (a cgroup's pids.max, else RLIMIT_NPROC)"},
      {Fault::kThrottle, "throttle", Effect::kHolds, 0,
       "gets 5 ms of CPU in each 100 for a time (cpu.max of a cgroup, where one hands that controller on)"},
      {Fault::kOom, "oom", Effect::kEnds, SIGKILL,
       "ended by the kernel's OOM killer (by a cgroup, where one hands the memory controller on)"},
      {Fault::kNetwork, "network", Effect::kHolds, 0,
       "the network between server and clients loses packets, cuts, resets, delays, for a time"},
      {Fault::kFullDisk, "full-disk", Effect::kHolds, 0, "the disk that it writes to is full for a time"},
      {Fault::kReload, "reload", Effect::kRenews, SIGHUP,
       "the server is told to read its configuration again (SIGHUP, or its own command)"},
      {Fault::kUpgrade, "upgrade", Effect::kRenews, SIGUSR2,
       "it is told to go on as the program installed by now (hydrapool's SIGUSR2, or its own command)"},
      {Fault::kRestart, "restart", Effect::kRenews, 0, "its workers are started again, by its own command"},
  };
  return faults;
}

const FaultInfo& InfoOf(Fault fault) { return *std::ranges::find(AllFaults(), fault, &FaultInfo::fault); }

std::string_view Name(Fault fault) { return InfoOf(fault).name; }

sys::Result<Fault> ParseFault(std::string_view text) {
  const auto found = std::ranges::find(AllFaults(), text, &FaultInfo::name);
  if (found == AllFaults().end()) return sys::Failure(sys::NoSuchName(text, NamesOfFaults()));
  return found->fault;
}

std::string Name(const Target& target) {
  if (target.kind == Target::kSlot) return fmt::format("slot={}", target.slot);
  if (target.kind == Target::kCgiOf) return fmt::format("cgi-of={}", target.slot);
  return std::string(
      std::ranges::find(kTargets, target.kind, &std::pair<std::string_view, Target::Kind>::second)->first);
}

sys::Result<Target> ParseTarget(std::string_view text) {
  for (const auto& [name, kind] : kTargets) {
    if (text == name && !Target(kind).has_slot()) return Target(kind);
  }
  const auto equals = text.find('=');
  const std::string_view before = text.substr(0, equals);
  if (equals == text.npos || (before != "slot" && before != "cgi-of"))
    return sys::Failure(sys::NoSuchName(text, NamesOfTargets()));
  int slot = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + equals + 1, end, slot);
  if (error != std::errc{} || stop != end || slot < 0)
    return sys::Failure(fmt::format("'{}' names no slot such as {}=0", text, before));
  return Target(before == "slot" ? Target::kSlot : Target::kCgiOf, slot);
}

Target DefaultTarget(Fault fault) { return IsOfServer(fault) ? Target::kServer : Target::kRandom; }

bool IsALimit(Fault fault) {
  return fault == Fault::kDescriptors || fault == Fault::kAddressSpace || fault == Fault::kProcesses;
}

bool Starves(Fault fault) { return IsALimit(fault) || fault == Fault::kFullDisk; }

bool IsOfServer(Fault fault) {
  return InfoOf(fault).effect == Effect::kRenews || fault == Fault::kNetwork || fault == Fault::kFullDisk;
}

std::optional<std::string> WhyNotTogether(Fault fault, const Target& target) {
  const bool may_start_workers =
      target == Target::kParent || target == Target::kSupervisor || target == Target::kAny;
  if (IsALimit(fault) && may_start_workers)
    return fmt::format("{} is only for workers, not for target {}: what that starts would keep the limit",
                       Name(fault), Name(target));
  if (IsOfServer(fault) == (target.kind == Target::kServer)) return std::nullopt;
  if (IsOfServer(fault)) return fmt::format("{} is of the whole server: it has no other target", Name(fault));
  return fmt::format(
      "target server is only for what is of all of it: reload, upgrade, restart, network, full-disk; not for "
      "{}",
      Name(fault));
}

std::string FaultNames() { return fmt::format("{}", fmt::join(NamesOfFaults(), ", ")); }
std::string TargetNames() { return fmt::format("{}", fmt::join(NamesOfTargets(), ", ")); }

}  // namespace hydrapool::harness
