#include "harness/fault/pool_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "harness/fault/process_tree.h"

namespace hydrapool::harness {
namespace {

using Json = nlohmann::json;
using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 2> kTopNames{"schema", "pid"};
constexpr std::array<std::string_view, 1> kParentNames{"pid"};
constexpr std::array<std::string_view, 5> kTotalsNames{"rescued", "rescued_in_flight", "lost", "cut",
                                                       "requests"};
constexpr std::array<std::string_view, 7> kWorkerNames{"slot",   "pid",      "incarnation", "busy",
                                                       "leases", "requests", "program"};

/// The numbers of an object, by the order of their names.
using Numbers = std::array<std::optional<std::int64_t>, kWorkerNames.size()>;

/// Takes of the page what a PoolStatus holds as it goes by, and keeps no tree of it: it is read many times a
/// second. Stops at what is no number and should be one.
class StatusReader final : public nlohmann::json_sax<Json> {
 public:
  std::string error = {};
  Numbers top = {};
  Numbers parent = {};
  std::optional<Numbers> totals = {};
  struct Worker {
    Numbers numbers = {};
    std::string state = {};
  };
  std::optional<std::vector<Worker>> workers = {};

  bool null() override { return Other("null"); }
  bool boolean(bool) override { return Other("a boolean"); }
  bool number_integer(number_integer_t value) override { return Number(value); }
  bool number_unsigned(number_unsigned_t value) override { return Number(static_cast<std::int64_t>(value)); }
  bool number_float(number_float_t value, const string_t&) override {
    return Number(static_cast<std::int64_t>(value));
  }
  bool string(string_t& text) override {
    if (places_.empty() || places_.back() != Place::kWorker || key_ != "state") return Other("a string");
    workers->back().state = text;
    return true;
  }
  bool binary(binary_t&) override { return Other("binary"); }
  bool key(string_t& name) override {
    key_ = name;
    return true;
  }
  bool start_object(std::size_t) override {
    const Place place = places_.empty()                                     ? Place::kTop
                        : places_.back() == Place::kWorkers                 ? Place::kWorker
                        : places_.back() == Place::kTop && key_ == "parent" ? Place::kParent
                        : places_.back() == Place::kTop && key_ == "totals" ? Place::kTotals
                                                                            : Place::kElsewhere;
    places_.push_back(place);
    if (place == Place::kWorker) workers->emplace_back();
    if (place == Place::kTotals) totals.emplace();
    return true;
  }
  bool start_array(std::size_t) override {
    const bool is_workers = !places_.empty() && places_.back() == Place::kTop && key_ == "workers";
    places_.push_back(is_workers ? Place::kWorkers : Place::kElsewhere);
    if (is_workers) workers.emplace();
    return true;
  }
  bool end_object() override { return End(); }
  bool end_array() override { return End(); }
  bool parse_error(std::size_t, const std::string&, const Json::exception& why) override {
    error = why.what();
    return false;
  }

 private:
  enum class Place { kTop, kParent, kTotals, kWorkers, kWorker, kElsewhere };

  bool End() {
    places_.pop_back();
    return true;
  }
  /// Where the number of the last name belongs; nullptr: nowhere.
  std::optional<std::int64_t>* Wanted() {
    if (places_.empty()) return nullptr;
    switch (places_.back()) {
      case Place::kTop:
        return Find(kTopNames, top);
      case Place::kParent:
        return Find(kParentNames, parent);
      case Place::kTotals:
        return Find(kTotalsNames, *totals);
      case Place::kWorker:
        return Find(kWorkerNames, workers->back().numbers);
      default:
        return nullptr;
    }
  }
  std::optional<std::int64_t>* Find(Names names, Numbers& numbers) const {
    const auto found = std::ranges::find(names, key_);
    return found == names.end() ? nullptr : &numbers[static_cast<std::size_t>(found - names.begin())];
  }
  bool Number(std::int64_t value) {
    if (auto* wanted = Wanted()) *wanted = value;
    return true;
  }
  bool Other(const char* what) {
    if (Wanted() == nullptr) return true;
    error = fmt::format("{} is {}, not a number", key_, what);
    return false;
  }

  std::vector<Place> places_;
  std::string key_;
};

std::optional<PoolStatus::Totals> TotalsOf(const std::optional<Numbers>& numbers) {
  if (!numbers) return std::nullopt;
  const auto at = [&numbers](std::size_t i) { return static_cast<std::uint64_t>((*numbers)[i].value_or(0)); };
  return PoolStatus::Totals{
      .rescued = at(0), .rescued_in_flight = at(1), .lost = at(2), .cut = at(3), .requests = at(4)};
}

PoolStatus::Worker WorkerOf(const StatusReader::Worker& worker) {
  const auto at = [&worker](std::size_t i) { return worker.numbers[i].value_or(0); };
  return {.slot = static_cast<int>(at(0)),
          .pid = static_cast<pid_t>(at(1)),
          .incarnation = static_cast<std::uint64_t>(at(2)),
          .busy = at(3),
          .leases = at(4),
          .ready = worker.state == "ready",
          .draining = worker.state == "draining",
          .requests = static_cast<std::uint64_t>(at(5)),
          .program = static_cast<std::uint32_t>(at(6))};
}

}  // namespace

sys::Result<PoolStatus> ParsePoolStatus(std::string_view text) {
  StatusReader reader;
  if (!Json::sax_parse(text, &reader)) return sys::Failure("status.json: " + reader.error);
  const auto [schema, main] = std::pair(reader.top[0], reader.top[1]);
  if (!schema || !main || !reader.workers) return sys::Failure("status.json: no schema, pid or workers");
  if (reader.totals && !std::all_of(reader.totals->begin(), reader.totals->begin() + 4,
                                    [](const auto& number) { return number.has_value(); }))
    return sys::Failure("status.json: totals without rescued, rescued_in_flight, lost or cut");
  if (*schema != 1) return sys::Failure(fmt::format("status.json has schema {}, not 1", *schema));
  PoolStatus status{.main = static_cast<pid_t>(*main), .totals = TotalsOf(reader.totals), .workers = {}};
  status.parent = static_cast<pid_t>(reader.parent[0].value_or(*main));
  for (const StatusReader::Worker& worker : *reader.workers) {
    if (!worker.numbers[0] || !worker.numbers[1])
      return sys::Failure("status.json: a worker without slot or pid");
    if (*worker.numbers[1] > 0 && worker.state != "dead") status.workers.push_back(WorkerOf(worker));
  }
  std::ranges::sort(status.workers, {}, &PoolStatus::Worker::slot);
  return status;
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
