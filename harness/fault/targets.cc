#include "harness/fault/targets.h"

#include <algorithm>
#include <utility>

namespace hydrapool::harness {
namespace {

using Workers = std::vector<ProcessView>;

template <typename Predicate>
Workers Those(std::span<const ProcessView> workers, Predicate predicate) {
  Workers those;
  std::ranges::copy_if(workers, std::back_inserter(those), predicate);
  return those;
}

/// Those for which `value` is greatest.
template <typename Value>
Workers Greatest(std::span<const ProcessView> workers, Value value) {
  const auto most = value(*std::ranges::max_element(workers, {}, value));
  return Those(workers, [&](const ProcessView& worker) { return value(worker) == most; });
}

Workers DrawOne(const Workers& workers, std::uint64_t draw) {
  if (workers.empty()) return {};
  return {workers[draw % workers.size()]};
}

Workers DropOne(Workers workers, std::uint64_t draw) {
  workers.erase(workers.begin() + static_cast<std::ptrdiff_t>(draw % workers.size()));
  return workers;
}

Workers Candidates(const Target& target, std::span<const ProcessView> workers) {
  switch (target.kind) {
    case Target::kBusiest:
      return Greatest(workers, [](const ProcessView& each) { return std::pair(each.busy, each.leases); });
    case Target::kIdle:
      return Those(workers, [](const ProcessView& each) { return each.busy == 0; });
    case Target::kOldest:
      return Greatest(workers, [](const ProcessView& each) { return ~each.identity.start_time; });
    case Target::kYoungest:
      return Greatest(workers, [](const ProcessView& each) { return each.identity.start_time; });
    case Target::kSlot:
      return Those(workers, [&target](const ProcessView& each) { return each.slot == target.slot; });
    case Target::kRandom:
    case Target::kAll:
    case Target::kAllButOne:
      return {workers.begin(), workers.end()};
    case Target::kParent:
    case Target::kSupervisor:
    case Target::kAny:
    case Target::kCgiOf:
    case Target::kServer:
      return {};
  }
  std::abort();
}

Workers OneOrNone(const std::optional<ProcessView>& process) {
  if (!process) return {};
  return {*process};
}

Workers Everyone(const ServerProcesses& server) {
  Workers all = OneOrNone(server.supervisor);
  if (server.parent) all.push_back(*server.parent);
  all.insert(all.end(), server.workers.begin(), server.workers.end());
  return all;
}

std::uint32_t LatestProgram(const Workers& workers) {
  std::uint32_t latest = 0;
  for (const ProcessView& worker : workers) latest = std::max(latest, worker.program);
  return latest;
}

}  // namespace

std::string_view Name(Role role) {
  switch (role) {
    case Role::kWorker:
      return "worker";
    case Role::kParent:
      return "parent";
    case Role::kSupervisor:
      return "supervisor";
    case Role::kProgram:
      return "program";
  }
  std::abort();
}

bool Renewed(const ServerProcesses& before, const ServerProcesses& now) {
  if (const auto latest = LatestProgram(before.workers); latest > 0) {
    const auto stay = Those(now.workers, [](const ProcessView& each) { return !each.leaving; });
    return !stay.empty() &&
           std::ranges::all_of(stay, [latest](const ProcessView& each) { return each.program > latest; });
  }
  const auto is_new = [&before](const ProcessView& each) {
    return std::ranges::find(before.workers, each.identity, &ProcessView::identity) == before.workers.end();
  };
  const auto wanted = std::max<std::size_t>(before.workers.size(), 1);
  return Those(now.workers, is_new).size() >= wanted;
}

Workers ChooseTargets(const Target& target, const ServerProcesses& server, std::uint64_t draw) {
  switch (target.kind) {
    case Target::kParent:
      return OneOrNone(server.parent);
    case Target::kSupervisor:
      return OneOrNone(server.supervisor);
    case Target::kAny:
      return DrawOne(Everyone(server), draw);
    case Target::kCgiOf:
      return DrawOne(server.programs, draw);
    default:
      return ChooseTargets(target, server.workers, draw);
  }
}

Workers ChooseTargets(const Target& target, std::span<const ProcessView> workers, std::uint64_t draw) {
  if (workers.empty()) return {};
  Workers candidates = Candidates(target, workers);
  if (target.kind == Target::kAll) return candidates;
  if (target.kind == Target::kAllButOne) return DropOne(std::move(candidates), draw);
  return DrawOne(candidates, draw);
}

}  // namespace hydrapool::harness
