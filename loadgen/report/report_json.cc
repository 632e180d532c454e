#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "loadgen/report/hdr_log.h"
#include "loadgen/report/report.h"
#include "loadgen/report/series_json.h"

namespace hydrapool::loadgen {
namespace {

using Json = nlohmann::ordered_json;

Json LatencyJson(const LatencyHistogram& h) {
  return {{"min", h.ValueAtPercentile(0)},
          {"p50", h.ValueAtPercentile(50)},
          {"p90", h.ValueAtPercentile(90)},
          {"p95", h.ValueAtPercentile(95)},
          {"p99", h.ValueAtPercentile(99)},
          {"p99.9", h.ValueAtPercentile(99.9)},
          {"max", h.max()},
          {"mean", h.mean()},
          {"sd", Deviation(h)},
          {"count", h.count()}};
}

Json WorkerJson(const WorkerCounts& worker) {
  Json json = {{"requests", worker.requests}, {"errors", worker.errors}};
  if (worker.service.count() == 0) return json;
  json["p50_us"] = worker.service.ValueAtPercentile(50);
  json["p99_us"] = worker.service.ValueAtPercentile(99);
  json["max_us"] = worker.service.max();
  json["mean_us"] = worker.service.mean();
  return json;
}

Json WorkersJson(const Tally& tally) {
  Json workers = Json::object();
  for (const auto& [slot, worker] : tally.workers) workers[slot] = WorkerJson(worker);
  return workers;
}

Json RequestsJson(const RunResult& run) {
  const auto& tally = run.tally;
  return {{"scheduled", run.scheduled},
          {"unsent", run.unsent()},
          {"sent", tally.sent},
          {"completed", tally.outcomes.completed()},
          {"ok", tally.outcomes.of(Outcome::kOk)},
          {"failed", tally.outcomes.failed()},
          {"in_flight_at_end", tally.in_flight_at_end},
          {"saturated", tally.saturated},
          {"warmed_up", run.warmed_up},
          {"follow_ups", tally.follow_ups}};
}

Json StatusJson(const Tally& tally) {
  Json status = Json::object();
  for (const auto& [code, n] : tally.status) status[std::to_string(code)] = n;
  return status;
}

Json FirstResponsesJson(const Tally& tally) {
  Json responses = Json::object();
  for (const auto& [code, response] : tally.first_responses)
    responses[std::to_string(code)] = {{"head", response.head}, {"body", response.body}};
  return responses;
}

/// How many there were of each, or the first explanation of each.
Json ErrorsJson(const Tally& tally, bool explained) {
  Json errors = Json::object();
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    const auto& why = tally.outcomes.explanation(outcome);
    if (outcome == Outcome::kOk || tally.outcomes.of(outcome) == 0 || (explained && why.empty())) continue;
    errors[std::string(Name(outcome))] = explained ? Json(why) : Json(tally.outcomes.of(outcome));
  }
  return errors;
}

Json AddressesJson(const ServerAddresses& addresses) {
  Json rows = Json::array();
  for (const auto& row : addresses.rows())
    rows.push_back({{"address", row.address}, {"tried", row.tried}, {"connected", row.connected}});
  return rows;
}

Json NetworkJson(const RunResult& run) {
  const auto& own = run.tally.connections;
  return {{"retransmits", run.kernel.retransmits},
          {"accept_overflows", run.kernel.accept_overflows},
          {"syn_drops", run.kernel.syn_drops},
          {"addresses", AddressesJson(own.addresses)},
          {"own_connections", own.opened},
          {"own_connections_made", own.made()},
          {"own_connections_sent_again", own.sent_again},
          {"http1_connections", own.http1},
          {"http2_connections", own.http2},
          {"tls_sessions", own.tls},
          {"tls_resumed", own.resumed},
          {"own_retransmits", own.retransmits}};
}

Json SelfJson(const Report& report) {
  const auto& run = report.run;
  return {{"cpu_s", sys::ToSeconds(run.cpu)},
          {"cpu_us_per_request", run.cpu_us_per_request()},
          {"bottleneck", report.self.bottleneck},
          {"busiest_thread", run.busiest.cpu_share()},
          {"run_queue_s", sys::ToSeconds(run.busiest.run_queue)},
          {"own_lag_us", LatencyJson(run.tally.latency.own_lag)},
          {"longest_pause_s", sys::ToSeconds(run.tally.timing.longest_pause)},
          {"cores", run.cores},
          {"machine_cpu", run.kernel.busy_share()},
          {"machine_cpu_s", sys::ToSeconds(run.kernel.machine_all)},
          {"peak_memory_bytes", run.peak_memory},
          {"network", NetworkJson(run)}};
}

Json PhasesJson(const Tally& tally) {
  Json phases = Json::object();
  for (std::size_t i = 0; i < kPhases; ++i)
    phases[std::string(kPhaseNames[i])] = LatencyJson(tally.phases[i]);
  return phases;
}

Json LatencyByJson(const Tally& tally) {
  Json outcomes = Json::object();
  for (const auto& [outcome, h] : tally.parts.by_outcome)
    outcomes[std::string(Name(outcome))] = LatencyJson(h);
  Json status = Json::object();
  for (const auto& [code, h] : tally.parts.by_status) status[std::to_string(code)] = LatencyJson(h);
  return {{"ok", LatencyJson(tally.parts.OkOf(tally.latency.response))},
          {"not_ok", LatencyJson(tally.parts.not_ok_response)},
          {"not_ok_service", LatencyJson(tally.parts.not_ok_service)},
          {"outcome", outcomes},
          {"status", status}};
}

Json HdrJson(const RunResult& run) {
  Json lines = Json::array();
  for (const auto& interval : HdrLogOf(run).intervals) lines.push_back(HdrLine(interval));
  return lines;
}

Json PlanJson(const Plan& plan) {
  Json json = {{"urls", UrlsOf(plan)},
               {"method", MethodOf(plan)},
               {"connections", plan.connections},
               {"threads", plan.threads},
               {"rate", nullptr},
               {"arrival", plan.arrivals.replay    ? "replay"
                           : plan.arrivals.poisson ? "poisson"
                                                   : "constant"},
               {"seed", plan.seed},
               {"duration_s", nullptr},
               {"count", nullptr},
               {"timeout_s", sys::ToSeconds(plan.wire.timeout)},
               {"warmup_s", sys::ToSeconds(plan.arrivals.warmup)},
               {"ramp_s", sys::ToSeconds(plan.arrivals.ramp)},
               {"replica", fmt::format("{}/{}", plan.replica.index + 1, plan.replica.of)},
               {"limit_rate", plan.wire.extras.limit_rate},
               {"keepalive", plan.wire.keep_alive}};
  for (const auto& stage : plan.arrivals.stages) {
    json["stages"].push_back({{"rate", stage.rate}, {"duration_s", sys::ToSeconds(stage.duration)}});
  }
  if (plan.arrivals.rate) json["rate"] = *plan.arrivals.rate;
  if (plan.arrivals.count) {
    json["count"] = *plan.arrivals.count;
  } else {
    json["duration_s"] = sys::ToSeconds(plan.arrivals.duration);
  }
  return json;
}

Json PhaseSumsJson(const TargetCounts& target) {
  Json json = Json::object();
  for (std::size_t i = 0; i < kPhases; ++i) {
    const auto& p = target.phases[i];
    if (p.count > 0)
      json[std::string(kPhaseNames[i])] = {{"count", p.count}, {"mean", p.mean()}, {"max", p.max}};
  }
  return json;
}

Json TargetsJson(const Report& report) {
  Json targets = Json::array();
  for (std::size_t i = 0; i < report.plan.targets.size(); ++i) {
    const auto& n = report.run.tally.targets.of(i);
    Json errors = Json::object();
    for (const auto& [outcome, count] : n.errors) errors[std::string(Name(outcome))] = count;
    targets.push_back({{"url", report.plan.targets[i].url},
                       {"name", report.plan.targets[i].name},
                       {"sent", n.sent},
                       {"completed", n.completed},
                       {"ok", n.ok},
                       {"in_flight_at_end", n.sent - std::min(n.sent, n.ended())},
                       {"errors", errors},
                       {"phases_us", PhaseSumsJson(n)}});
    if (i >= TargetList::kMostTimed) continue;
    targets.back()["latency_us"] = LatencyJson(n.response);
    targets.back()["latency_ok_us"] = LatencyJson(n.response.Since(n.not_ok_response));
    targets.back()["latency_not_ok_us"] = LatencyJson(n.not_ok_response);
  }
  return targets;
}

Json SessionsJson(const SessionCounts& sessions) {
  return {{"begun", sessions.begun},
          {"complete", sessions.complete},
          {"failed", sessions.failed},
          {"cut", sessions.cut},
          {"took_us", LatencyJson(sessions.took)}};
}

Json SlosJson(const Report& report) {
  Json slos = Json::array();
  for (const auto& slo : report.slos) {
    slos.push_back({{"objective", slo.text},
                    {"met", slo.met},
                    {"value", slo.value},
                    {"shown", slo.shown},
                    {"samples", slo.samples}});
  }
  return slos;
}

}  // namespace

std::string JsonText(const Json& json) {
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

Json ToJson(const Report& report) {
  const auto& run = report.run;
  const auto& tally = run.tally;
  const auto nothing = NothingReached(report);
  Json json = {{"schema", 1},
               {"engine", report.engine},
               {"requests", RequestsJson(run)},
               {"duration_s", sys::ToSeconds(run.duration)},
               {"throughput_rps", run.throughput()},
               {"sending_s", sys::ToSeconds(run.sending)},
               {"counted", run.counted},
               {"completed_while_sending", tally.timing.completed_at_last_sent},
               {"bytes", {{"received", tally.bytes_received}}},
               {"latency_us",
                {{"response", LatencyJson(tally.latency.response)},
                 {"service", LatencyJson(tally.latency.service)},
                 {"lag", LatencyJson(tally.latency.lag)}}},
               {"latency_by", LatencyByJson(tally)},
               {"status", StatusJson(tally)}};
  json["errors"] = ErrorsJson(tally, false);
  json["first_responses"] = FirstResponsesJson(tally);
  json["workers"] = WorkersJson(tally);
  json["fairness_jain"] = Fairness(tally);
  json["self"] = SelfJson(report);
  json["valid"] = report.self.valid;
  json["reason"] = report.self.reason;
  json["stopped"] = run.stopped;
  json["achieved"] = run.achieved();
  json["plan"] = PlanJson(report.plan);
  json["plan"]["identity"] = report.identity;
  json["targets"] = TargetsJson(report);
  json["sessions"] = SessionsJson(tally.sessions);
  json["slo"] = SlosJson(report);
  json["error_details"] = ErrorsJson(tally, true);
  json["nothing_reached"] = nothing ? Json(*nothing) : Json();
  json["aborted"] = report.aborted.empty() ? Json() : Json(report.aborted);
  json["until"] = report.until.empty() ? Json() : Json(report.until);
  json["phases_us"] = PhasesJson(tally);
  json["start_unix_ms"] = run.start_unix_ms;
  json["series"] = SeriesJson(run.series);
  json["hdr_log"] = HdrJson(run);
  return json;
}

}  // namespace hydrapool::loadgen
