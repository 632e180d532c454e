#include "harness/fault/targets.h"

#include <algorithm>
#include <utility>

namespace hydrapool::harness {
namespace {

std::pair<std::int64_t, std::int64_t> Load(const WorkerView& worker) { return {worker.busy, worker.leases}; }

std::vector<WorkerView> Busiest(std::span<const WorkerView> workers) {
  std::vector<WorkerView> busiest;
  for (const WorkerView& worker : workers) {
    if (!busiest.empty() && Load(worker) < Load(busiest.front())) continue;
    if (!busiest.empty() && Load(worker) > Load(busiest.front())) busiest.clear();
    busiest.push_back(worker);
  }
  return busiest;
}

}  // namespace

std::vector<WorkerView> ChooseTargets(Target target, std::span<const WorkerView> workers,
                                      std::uint64_t draw) {
  if (workers.empty()) return {};
  switch (target) {
    case Target::kAll:
      return {workers.begin(), workers.end()};
    case Target::kRandom:
      return {workers[draw % workers.size()]};
    case Target::kBusiest: {
      const auto busiest = Busiest(workers);
      return {busiest[draw % busiest.size()]};
    }
  }
  std::abort();
}

}  // namespace hydrapool::harness
