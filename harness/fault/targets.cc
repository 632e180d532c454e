#include "harness/fault/targets.h"

#include <algorithm>
#include <utility>

namespace hydrapool::harness {
namespace {

using Workers = std::vector<WorkerView>;

template <typename Predicate>
Workers Those(std::span<const WorkerView> workers, Predicate predicate) {
  Workers those;
  std::ranges::copy_if(workers, std::back_inserter(those), predicate);
  return those;
}

/// Those for which `value` is greatest.
template <typename Value>
Workers Greatest(std::span<const WorkerView> workers, Value value) {
  const auto most = value(*std::ranges::max_element(workers, {}, value));
  return Those(workers, [&](const WorkerView& worker) { return value(worker) == most; });
}

Workers DrawOne(const Workers& workers, std::uint64_t draw) {
  if (workers.empty()) return {};
  return {workers[draw % workers.size()]};
}

Workers DropOne(Workers workers, std::uint64_t draw) {
  workers.erase(workers.begin() + static_cast<std::ptrdiff_t>(draw % workers.size()));
  return workers;
}

Workers Candidates(const Target& target, std::span<const WorkerView> workers) {
  switch (target.kind) {
    case Target::kBusiest:
      return Greatest(workers, [](const WorkerView& each) { return std::pair(each.busy, each.leases); });
    case Target::kIdle:
      return Those(workers, [](const WorkerView& each) { return each.busy == 0; });
    case Target::kOldest:
      return Greatest(workers, [](const WorkerView& each) { return ~each.identity.start_time; });
    case Target::kYoungest:
      return Greatest(workers, [](const WorkerView& each) { return each.identity.start_time; });
    case Target::kSlot:
      return Those(workers, [&target](const WorkerView& each) { return each.slot == target.slot; });
    case Target::kRandom:
    case Target::kAll:
    case Target::kAllButOne:
      return {workers.begin(), workers.end()};
    case Target::kParent:
      return {};
  }
  std::abort();
}

}  // namespace

Workers ChooseTargets(const Target& target, std::span<const WorkerView> workers, std::uint64_t draw) {
  if (workers.empty()) return {};
  Workers candidates = Candidates(target, workers);
  if (target.kind == Target::kAll) return candidates;
  if (target.kind == Target::kAllButOne) return DropOne(std::move(candidates), draw);
  return DrawOne(candidates, draw);
}

}  // namespace hydrapool::harness
