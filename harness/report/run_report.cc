#include "harness/report/run_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "harness/fault/duration.h"
#include "harness/observe/observer.h"

namespace hydrapool::harness {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostFailures = 1000;

Json Since(sys::Nanos sent, const std::optional<sys::Nanos>& at) {
  return at ? Json(Micros(*at - sent)) : Json(nullptr);
}

Json FaultJson(const FaultRecord& fault, const Damage& damage, sys::Nanos start) {
  const Timeline& timeline = fault.timeline;
  Json json{{"id", fault.id},
            {"t_ms", Millis(fault.at - start)},
            {"unix_ms", fault.unix_ms},
            {"fault", Name(fault.fault)},
            {"target", Name(fault.target)},
            {"role", nullptr},
            {"slot", nullptr},
            {"pid", nullptr},
            {"outcome", Name(fault.outcome)},
            {"proof", Name(fault.proof)},
            {"reason", fault.reason},
            {"busy", fault.worker ? fault.worker->busy : 0},
            {"phase", fault.phase ? Json(Name(*fault.phase)) : Json(nullptr)},
            {"hit_phase", fault.hit_phase ? Json(*fault.hit_phase) : Json(nullptr)},
            {"timeline_us",
             {{"dead", Since(fault.at, timeline.dead)},
              {"reaped", Since(fault.at, timeline.reaped)},
              {"forked", Since(fault.at, timeline.forked)},
              {"ready", Since(fault.at, timeline.ready)},
              {"first_response", Since(fault.at, timeline.first_response)}}},
            {"undone_us", Since(fault.at, fault.undone)},
            {"renewed_us", Since(fault.at, fault.renewed)},
            {"replaced_by", timeline.successor ? Json(*timeline.successor) : Json(nullptr)},
            {"unobserved", timeline.unobserved},
            {"lost", damage.lost},
            {"cut", damage.cut},
            {"abandoned", damage.abandoned}};
  if (fault.worker) {
    json["role"] = Name(fault.worker->role);
    json["pid"] = fault.worker->identity.pid;
    if (fault.worker->slot) json["slot"] = *fault.worker->slot;
  }
  return json;
}

Json RequestsJson(const RunRecord& run, const Judgement& judgement) {
  std::uint64_t sent = 0;
  std::uint64_t ok = 0;
  std::uint64_t unsent = 0;
  std::uint64_t refused = 0;
  for (const LoadRecord& load : run.loads) {
    sent += load.sent;
    ok += load.ok;
    unsent += load.unsent;
  }
  for (const Failure& failure : run.failures) refused += failure.kind == FailureKind::kRefused ? 1 : 0;
  std::uint64_t unexamined = 0;
  for (const auto& [kind, count] : run.unexamined) {
    unexamined += count;
    if (kind == FailureKind::kRefused) refused += count;
  }
  const auto& measured = judgement.measured;
  return {{"sent", sent},
          {"ok", ok},
          {"lost", measured.at(Measure::kLost)},
          {"cut", measured.at(Measure::kCut)},
          {"abandoned", measured.at(Measure::kAbandoned)},
          {"refused", refused},
          {"in_flight_at_end", run.in_flight_at_end},
          {"unsent", unsent},
          {"duplicated", run.ids.duplicated},
          {"wrong", run.ids.wrong},
          {"rescued", run.pool.totals ? Json(run.pool.totals->rescued) : Json(nullptr)},
          {"unexplained", measured.at(Measure::kUnexplained)},
          {"unexamined", unexamined},
          {"with_ids", run.ids.checked},
          {"idle", run.resting.count},
          {"idle_answered", run.resting.answered},
          {"idle_lost", run.resting.lost},
          {"idle_kept", run.resting.kept}};
}

Json FailuresJson(const RunRecord& run, const Attribution& attribution) {
  Json failures = Json::array();
  for (std::size_t i = 0; i < std::min(run.failures.size(), kMostFailures); ++i) {
    const Failure& failure = run.failures[i];
    const auto& explanation = attribution.by_failure[i];
    const bool has_phase = explanation && !explanation->phase.empty();
    failures.push_back({{"t_ms", Millis(failure.end - run.start)},
                        {"kind", Name(failure.kind)},
                        {"what", failure.what},
                        {"url", failure.url},
                        {"port", failure.port},
                        {"fault", explanation ? Json(run.faults[explanation->fault].id) : Json(nullptr)},
                        {"phase", has_phase ? Json(explanation->phase) : Json(nullptr)}});
  }
  return failures;
}

Json PerFaultJson(const RunRecord& run, const Judgement& judgement) {
  std::uint64_t landed = 0;
  Damage sum;
  for (std::size_t i = 0; i < run.faults.size(); ++i) {
    if (!run.faults[i].landed()) continue;
    ++landed;
    sum.lost += judgement.attribution.by_fault[i].lost;
    sum.cut += judgement.attribution.by_fault[i].cut;
  }
  const auto mean = [landed](std::uint64_t count) {
    return landed == 0 ? Json(nullptr) : Json(static_cast<double>(count) / static_cast<double>(landed));
  };
  return {{"landed", landed}, {"lost", mean(sum.lost)}, {"cut", mean(sum.cut)}};
}

}  // namespace

std::string RunJson(const RunTitle& title, const RunRecord& run, const Judgement& judgement) {
  Json json{{"schema", 1},
            {"name", title.name},
            {"verdict", Name(judgement.verdict)},
            {"reasons", judgement.reasons},
            {"notes", run.notes},
            {"seed", title.seed},
            {"replay", title.replay},
            {"faults", Json::array()},
            {"requests", RequestsJson(run, judgement)},
            {"per_fault", PerFaultJson(run, judgement)},
            {"by_phase", judgement.attribution.by_phase},
            {"failures", FailuresJson(run, judgement.attribution)},
            {"load", Json::array()},
            {"server", nullptr},
            {"measured", Json::object()},
            {"longest_gap_us", run.longest_gap ? Json(Micros(*run.longest_gap)) : Json(nullptr)},
            {"workers_cpu_ms", Json::array()},
            {"resolution_us",
             {{"reaped", Micros(ObserverPace{}.family)},
              {"forked", Micros(run.pool.totals ? ObserverPace{}.status : ObserverPace{}.family)},
              {"ready", Micros(ObserverPace{}.status)},
              {"first_response", Micros(ObserverPace{}.answers)}}}};
  for (std::size_t i = 0; i < run.faults.size(); ++i)
    json["faults"].push_back(FaultJson(run.faults[i], judgement.attribution.by_fault[i], run.start));
  for (const LoadRecord& load : run.loads)
    json["load"].push_back({{"url", load.url},
                            {"client", load.client.empty() ? "loadgen" : load.client},
                            {"sent", load.sent},
                            {"ok", load.ok},
                            {"unsent", load.unsent},
                            {"achieved", load.achieved ? Json(*load.achieved) : Json(nullptr)},
                            {"report", load.report.empty() ? Json() : Json::parse(load.report)}});
  if (run.after) {
    for (const sys::Nanos time : run.after->workers_cpu) json["workers_cpu_ms"].push_back(Millis(time));
  }
  if (run.pool.totals) {
    json["server"] = {{"rescued", run.pool.totals->rescued},
                      {"rescued_in_flight", run.pool.totals->rescued_in_flight},
                      {"lost", run.pool.totals->lost},
                      {"cut", run.pool.totals->cut}};
  }
  for (const auto& [measure, value] : judgement.measured) {
    const MeasureInfo& info = InfoOf(measure);
    Json& measured = json["measured"][std::string(info.name)];
    if (!info.is_time) {
      measured = value;
    } else if (value != kNever) {
      measured = Micros(value);
    }  // else null
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string RunJournal(const RunRecord& run) {
  std::string lines;
  for (const FaultRecord& fault : run.faults) {
    const auto since = [&fault](const std::optional<sys::Nanos>& at) {
      return at ? std::optional(*at - fault.at) : std::nullopt;
    };
    lines += ToJson(InjectRecord{.id = fault.id,
                                 .at = fault.at - run.start,
                                 .unix_ms = fault.unix_ms,
                                 .fault = fault.fault,
                                 .target = fault.target,
                                 .draw = fault.draw,
                                 .hold = fault.hold,
                                 .requests = fault.requests,
                                 .phase = fault.phase,
                                 .worker = fault.worker,
                                 .dead = since(fault.timeline.dead),
                                 .undone = since(fault.undone),
                                 .renewed = since(fault.renewed),
                                 .outcome = fault.outcome,
                                 .proof = fault.proof,
                                 .reason = fault.reason}) +
             "\n";
  }
  return lines;
}

}  // namespace hydrapool::harness
