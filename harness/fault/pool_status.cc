#include "harness/fault/pool_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/fault/process_tree.h"

namespace hydrapool::harness {
namespace {

std::optional<PoolStatus::Totals> TotalsOf(const nlohmann::json& json) {
  const auto totals = json.find("totals");
  if (totals == json.end()) return std::nullopt;
  return PoolStatus::Totals{.rescued = totals->at("rescued"),
                            .rescued_in_flight = totals->at("rescued_in_flight"),
                            .lost = totals->at("lost"),
                            .cut = totals->at("cut")};
}

pid_t ParentIn(const nlohmann::json& status, pid_t main) {
  const auto parent = status.find("parent");
  return parent == status.end() ? main : parent->value("pid", main);
}

}  // namespace

sys::Result<PoolStatus> ParsePoolStatus(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    if (const int schema = json.at("schema"); schema != 1) {
      return sys::Failure(fmt::format("status.json has schema {}, not 1", schema));
    }
    const pid_t main = json.at("pid");
    PoolStatus status{.main = main, .parent = ParentIn(json, main), .totals = TotalsOf(json), .workers = {}};
    for (const auto& worker : json.at("workers")) {
      const pid_t pid = worker.at("pid");
      if (pid <= 0 || worker.value("state", "") == "dead") continue;
      status.workers.push_back({.slot = worker.at("slot"),
                                .pid = pid,
                                .incarnation = worker.value("incarnation", std::uint64_t{0}),
                                .busy = worker.value("busy", std::int64_t{0}),
                                .leases = worker.value("leases", std::int64_t{0}),
                                .ready = worker.value("state", "") == "ready",
                                .draining = worker.value("state", "") == "draining",
                                .requests = worker.value("requests", std::uint64_t{0})});
    }
    std::ranges::sort(status.workers, {}, &PoolStatus::Worker::slot);
    return status;
  } catch (const nlohmann::json::exception& error) {
    return sys::Failure(fmt::format("status.json: {}", error.what()));
  }
}

std::vector<WorkerView> LivingWorkers(const PoolStatus& status, pid_t parent) {
  std::vector<WorkerView> workers;
  for (const auto& worker : status.workers) {
    const auto process = ReadProcess(worker.pid);
    if (!process || !process->alive() || !IsOf(*process, parent)) continue;
    workers.push_back({.identity = process->identity,
                       .slot = worker.slot,
                       .incarnation = worker.incarnation,
                       .busy = worker.busy,
                       .leases = worker.leases,
                       .leaving = worker.draining});
  }
  return workers;
}

}  // namespace hydrapool::harness
