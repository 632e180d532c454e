#include "harness/fault/pool_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/fault/json_text.h"
#include "harness/fault/process_tree.h"

namespace hydrapool::harness {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 2> kTopNames{"schema", "pid"};
constexpr std::array<std::string_view, 1> kParentNames{"pid"};
constexpr std::array<std::string_view, 5> kTotalsNames{"rescued", "rescued_in_flight", "lost", "cut",
                                                       "requests"};
constexpr std::array<std::string_view, 9> kWorkerNames{
    "slot", "pid", "incarnation", "busy", "leases", "requests", "program", "ready_age_us", "answered_age_us"};

/// The numbers of an object, by the order of their names.
using Numbers = std::array<std::optional<std::int64_t>, kWorkerNames.size()>;

struct WorkerText {
  Numbers numbers = {};
  std::string_view state = {};
};

/// What of the page a PoolStatus holds.
struct StatusText {
  Numbers top = {};
  Numbers parent = {};
  std::optional<Numbers> totals = {};
  std::optional<std::vector<WorkerText>> workers = {};
};

/// The value of `name`, if it is one of `names`.
void TakeNumber(JsonText& json, std::string_view name, Names names, Numbers& numbers) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return json.Skip();
  const char next = json.Next();
  if (next == 'n') return json.Skip();  // null: as if it were not said
  if (next != '-' && (next < '0' || next > '9')) return json.Fail(fmt::format("{} is no number", name));
  numbers[static_cast<std::size_t>(found - names.begin())] = json.Number();
}

void TakeNumbers(JsonText& json, Names names, Numbers& numbers) {
  json.Object([&](std::string_view name) { TakeNumber(json, name, names, numbers); });
}

WorkerText TakeWorker(JsonText& json) {
  WorkerText worker;
  json.Object([&](std::string_view name) {
    if (name == "state" && json.Next() == '"') {
      worker.state = json.String();
    } else {
      TakeNumber(json, name, kWorkerNames, worker.numbers);
    }
  });
  return worker;
}

StatusText TakeStatus(JsonText& json) {
  StatusText status;
  json.Object([&](std::string_view name) {
    const char next = json.Next();
    if (name == "parent" && next == '{') {
      TakeNumbers(json, kParentNames, status.parent);
    } else if (name == "totals" && next == '{') {
      TakeNumbers(json, kTotalsNames, status.totals.emplace());
    } else if (name == "workers" && next == '[') {
      json.Array([&, &workers = status.workers.emplace()] { workers.push_back(TakeWorker(json)); });
    } else {
      TakeNumber(json, name, kTopNames, status.top);
    }
  });
  json.End();
  return status;
}

std::optional<PoolStatus::Totals> TotalsOf(const std::optional<Numbers>& numbers) {
  if (!numbers) return std::nullopt;
  const auto at = [&numbers](std::size_t i) { return static_cast<std::uint64_t>((*numbers)[i].value_or(0)); };
  return PoolStatus::Totals{
      .rescued = at(0), .rescued_in_flight = at(1), .lost = at(2), .cut = at(3), .requests = at(4)};
}

PoolStatus::Worker WorkerOf(const WorkerText& worker) {
  const auto at = [&worker](std::size_t i) { return worker.numbers[i].value_or(0); };
  const auto age = [&worker](std::size_t i) {
    const auto& micros = worker.numbers[i];
    return micros ? std::optional(*micros * sys::kMicrosecond) : std::nullopt;
  };
  return {.slot = static_cast<int>(at(0)),
          .pid = static_cast<pid_t>(at(1)),
          .incarnation = static_cast<std::uint64_t>(at(2)),
          .busy = at(3),
          .leases = at(4),
          .ready = worker.state == "ready",
          .draining = worker.state == "draining",
          .requests = static_cast<std::uint64_t>(at(5)),
          .program = static_cast<std::uint32_t>(at(6)),
          .ready_age = age(7),
          .answered_age = age(8)};
}

std::optional<Identity> Known(pid_t pid, std::span<const Identity> known) {
  const auto found = std::ranges::find(known, pid, &Identity::pid);
  return found != known.end() ? std::optional(*found) : std::nullopt;
}

std::optional<Identity> MainOf(const PoolStatus& status, std::span<const Identity> known) {
  if (const auto main = Known(status.main, known)) return main;
  const auto main = ReadProcess(status.main);
  return main && main->alive() ? std::optional(main->identity) : std::nullopt;
}

/// Where there is a supervisor too; that one lives, or has ended.
std::optional<Identity> ParentOf(const PoolStatus& status, std::span<const Identity> known,
                                 bool supervisor_lives) {
  if (const auto parent = Known(status.parent, known)) return parent;
  const auto parent = ReadProcess(status.parent);
  if (!parent || !parent->alive()) return std::nullopt;
  if (supervisor_lives && parent->parent != status.main) return std::nullopt;
  return parent->identity;
}

}  // namespace

sys::Result<PoolStatus> ParsePoolStatus(std::string_view text) {
  JsonText json(text);
  const StatusText page = TakeStatus(json);
  if (!json.error().empty()) return sys::Failure("status.json: " + json.error());
  const auto [schema, main] = std::pair(page.top[0], page.top[1]);
  if (!schema || !main || !page.workers) return sys::Failure("status.json: no schema, pid or workers");
  if (page.totals && !std::all_of(page.totals->begin(), page.totals->begin() + 4,
                                  [](const auto& number) { return number.has_value(); }))
    return sys::Failure("status.json: totals without rescued, rescued_in_flight, lost or cut");
  if (*schema != 1) return sys::Failure(fmt::format("status.json has schema {}, not 1", *schema));
  PoolStatus status{.main = static_cast<pid_t>(*main), .totals = TotalsOf(page.totals), .workers = {}};
  status.parent = static_cast<pid_t>(page.parent[0].value_or(*main));
  for (const WorkerText& worker : *page.workers) {
    if (!worker.numbers[0] || !worker.numbers[1])
      return sys::Failure("status.json: a worker without slot or pid");
    if (*worker.numbers[1] > 0 && worker.state != "dead") status.workers.push_back(WorkerOf(worker));
  }
  std::ranges::sort(status.workers, {}, &PoolStatus::Worker::slot);
  return status;
}

bool PoolStatus::TellsAges() const {
  return std::ranges::any_of(workers, [](const Worker& worker) { return worker.ready_age.has_value(); });
}

ServerProcesses LivingProcesses(const PoolStatus& status, std::span<const Identity> known) {
  const auto identity = [&](pid_t pid) -> std::optional<Identity> {
    if (const auto it = Known(pid, known)) return it;
    const auto process = ReadProcess(pid);
    if (!process || !process->alive()) return std::nullopt;
    if (!IsOf(*process, status.parent) && !IsOf(*process, status.main)) return std::nullopt;
    return process->identity;
  };
  ServerProcesses server;
  if (status.totals) server.requests = status.totals->requests;
  std::int64_t busy = 0;
  for (const auto& worker : status.workers) {
    const auto who = identity(worker.pid);
    if (!who) continue;
    busy += worker.busy;
    server.workers.push_back({.identity = *who,
                              .slot = worker.slot,
                              .incarnation = worker.incarnation,
                              .busy = worker.busy,
                              .leases = worker.leases,
                              .leaving = worker.draining,
                              .program = worker.program});
  }
  const auto main = MainOf(status, known);
  if (status.main == status.parent) {
    if (main) server.parent = ProcessView{.identity = *main, .busy = busy, .role = Role::kParent};
    return server;
  }
  if (main) server.supervisor = ProcessView{.identity = *main, .busy = busy, .role = Role::kSupervisor};
  if (const auto parent = ParentOf(status, known, main.has_value()))
    server.parent = ProcessView{.identity = *parent, .busy = busy, .role = Role::kParent};
  return server;
}

}  // namespace hydrapool::harness
