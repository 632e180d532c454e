#include "harness/report/run_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "harness/report/page_parts.h"
#include "loadgen/page/page.h"

namespace hydrapool::harness {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostLanes = 64;

double Seconds(const RunRecord& run, sys::Nanos at) { return sys::ToSeconds(at - run.start); }

sys::Nanos EndOf(const RunRecord& run) {
  sys::Nanos end = run.load_end;
  for (const FaultRecord& fault : run.faults) end = std::max(end, fault.at);
  return end;
}

/// Until what was hit is replaced, or as it was.
sys::Nanos EndOf(const FaultRecord& fault) {
  sys::Nanos end = fault.at;
  for (const auto& each :
       {fault.timeline.dead, fault.timeline.forked, fault.timeline.ready, fault.undone, fault.renewed})
    end = std::max(end, each.value_or(0));
  return end;
}

std::string Words(const RunRecord& run, const FaultRecord& fault) {
  return fmt::format("{} {} of pid {} at {} ms", fault.id, Name(fault.fault), fault.worker->identity.pid,
                     (fault.at - run.start) / sys::kMillisecond);
}

Json SpansJson(const RunRecord& run) {
  Json spans = Json::array();
  for (const FaultRecord& fault : run.faults) {
    if (!fault.landed()) continue;
    spans.push_back(
        {{"from", Seconds(run, fault.at)}, {"to", Seconds(run, EndOf(fault))}, {"label", Name(fault.fault)}});
  }
  return spans;
}

Json RowJson(const Json& row, double width, double shift) {
  std::uint64_t errors = 0;
  std::uint64_t completed = 0;
  for (const auto& [outcome, count] : row.at("outcomes").items()) {
    completed += count.get<std::uint64_t>();
    if (outcome != "ok") errors += count.get<std::uint64_t>();
  }
  const auto latency = [&](const char* name) { return completed == 0 ? Json(nullptr) : row.at(name); };
  return {{"t", row.at("begin_s").get<double>() + width / 2 + shift},
          {"rate", row.at("rate")},
          {"errors", static_cast<double>(errors) / width},
          {"latency", {latency("p50_us"), latency("p90_us"), latency("p99_us"), latency("max_us")}}};
}

/// Where loadgen asked: by its own clock, which is put upon the run's.
Json LoadsJson(const RunRecord& run) {
  Json loads = Json::array();
  for (const LoadRecord& load : run.loads) {
    const Json report = load.report.empty() ? Json() : Json::parse(load.report, nullptr, false);
    if (!report.contains("series")) continue;
    const double width = report.at("series").value("width_s", 1.0);
    const double shift =
        static_cast<double>(report.value("start_unix_ms", run.start_unix_ms) - run.start_unix_ms) / 1e3;
    Json rows = Json::array();
    for (const Json& row : report.at("series").at("rows")) rows.push_back(RowJson(row, width, shift));
    loads.push_back({{"url", load.url}, {"rows", rows}});
  }
  return loads;
}

struct Lane {
  std::string name;
  bool head = false;
  std::vector<const Life*> lives = {};
};

/// A lane of its own for the parent and for each slot; lives that have no slot share lanes, one after
/// another.
std::vector<Lane> LanesOf(const RunRecord& run) {
  std::map<std::pair<int, int>, Lane> known;
  std::vector<Lane> others;
  for (const Life& life : run.lives) {
    const bool head = life.role != Role::kWorker;
    if (head || life.slot) {
      Lane& lane = known[{head ? 0 : 1, life.slot.value_or(0)}];
      lane.name = head ? "parent" : fmt::format("worker {}", *life.slot);
      lane.head = head;
      lane.lives.push_back(&life);
      continue;
    }
    const auto free = std::ranges::find_if(others, [&](const Lane& lane) {
      return lane.lives.back()->to && *lane.lives.back()->to <= life.from;
    });
    Lane& lane = free != others.end()
                     ? *free
                     : others.emplace_back(Lane{.name = fmt::format("process {}", others.size() + 1)});
    lane.lives.push_back(&life);
  }
  std::vector<Lane> lanes;
  for (auto& [key, lane] : known) lanes.push_back(std::move(lane));
  std::ranges::move(others, std::back_inserter(lanes));
  if (lanes.size() > kMostLanes) lanes.resize(kMostLanes);
  return lanes;
}

Json LaneJson(const RunRecord& run, const Lane& lane) {
  Json lives = Json::array();
  Json hits = Json::array();
  for (const Life* life : lane.lives) {
    lives.push_back({{"pid", life->identity.pid},
                     {"from", std::max(0.0, Seconds(run, life->from))},
                     {"ready", life->ready ? Json(Seconds(run, *life->ready)) : Json(nullptr)},
                     {"to", Seconds(run, life->to.value_or(EndOf(run)))}});
    for (const FaultRecord& fault : run.faults) {
      if (fault.landed() && fault.worker && fault.worker->identity == life->identity)
        hits.push_back({{"t", Seconds(run, fault.at)}, {"what", Words(run, fault)}});
    }
  }
  return {{"name", lane.name}, {"head", lane.head}, {"lives", lives}, {"hits", hits}};
}

}  // namespace

std::string RunHtml(const RunTitle& title, const RunRecord& run, const Judgement& judgement) {
  Json result = Json::parse(RunJson(title, run, judgement));
  result.erase("load");
  Json lanes = Json::array();
  for (const Lane& lane : LanesOf(run)) lanes.push_back(LaneJson(run, lane));
  return page::HtmlPage("harness: " + title.name,
                        {{"title", title.name},
                         {"proves", title.proves},
                         {"evidence", title.evidence},
                         {"start_unix_ms", run.start_unix_ms},
                         {"report", {{"duration_s", Seconds(run, EndOf(run))}}},
                         {"result", result},
                         {"faults", SpansJson(run)},
                         {"loads", LoadsJson(run)},
                         {"lanes", lanes}},
                        {.body = parts::kBody, .script = parts::kScript, .style = parts::kStyle});
}

}  // namespace hydrapool::harness
