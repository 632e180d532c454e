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
                            .cut = totals->at("cut"),
                            .requests = totals->value("requests", std::uint64_t{0})};
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
                                .requests = worker.value("requests", std::uint64_t{0}),
                                .program = worker.value("program", std::uint32_t{0})});
    }
    std::ranges::sort(status.workers, {}, &PoolStatus::Worker::slot);
    return status;
  } catch (const nlohmann::json::exception& error) {
    return sys::Failure(fmt::format("status.json: {}", error.what()));
  }
}

ServerProcesses LivingProcesses(const PoolStatus& status) {
  ServerProcesses server;
  if (status.totals) server.requests = status.totals->requests;
  std::int64_t busy = 0;
  for (const auto& worker : status.workers) {
    const auto process = ReadProcess(worker.pid);
    if (!process || !process->alive()) continue;
    if (!IsOf(*process, status.parent) && !IsOf(*process, status.main)) continue;
    busy += worker.busy;
    server.workers.push_back({.identity = process->identity,
                              .slot = worker.slot,
                              .incarnation = worker.incarnation,
                              .busy = worker.busy,
                              .leases = worker.leases,
                              .leaving = worker.draining,
                              .program = worker.program});
  }
  const auto main = ReadProcess(status.main);
  const auto parent = status.parent == status.main ? main : ReadProcess(status.parent);
  const bool main_lives = main && main->alive();
  if (main_lives && status.main != status.parent)
    server.supervisor = ProcessView{.identity = main->identity, .busy = busy, .role = Role::kSupervisor};
  if (parent && parent->alive() && (!server.supervisor || parent->parent == status.main))
    server.parent = ProcessView{.identity = parent->identity, .busy = busy, .role = Role::kParent};
  return server;
}

}  // namespace hydrapool::harness
