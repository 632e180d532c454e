#include "loadgen/stats/worker_counts.h"

namespace hydrapool::loadgen {

WorkerCounts& CountsOf(WorkersBySlot& workers, std::string_view slot) {
  auto found = workers.find(slot);
  if (found == workers.end()) {
    const auto key = workers.size() < kMaxWorkers ? slot : kOtherWorkers;
    found = workers.try_emplace(std::string(key)).first;
  }
  return found->second;
}

std::string_view SlotOf(std::string_view worker) { return worker.substr(0, worker.find('.')); }

}  // namespace hydrapool::loadgen
