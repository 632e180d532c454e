#include "loadgen/report/report_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "loadgen/plan/json_words.h"
#include "loadgen/report/hdr_log.h"
#include "loadgen/report/series_json.h"

namespace hydrapool::loadgen {
namespace {

/// What the buckets do not tell.
void MakeExact(double mean, std::int64_t max, LatencyHistogram& histogram) {
  const auto sum = std::llround(mean * static_cast<double>(histogram.count()));
  histogram.SetExact(static_cast<std::uint64_t>(sum), max);
}
void MakeExact(const nlohmann::json& latency, LatencyHistogram& histogram) {
  MakeExact(latency.at("mean").get<double>(), latency.at("max").get<std::int64_t>(), histogram);
}

Plan PlanOf(const nlohmann::json& json) {
  Plan plan;
  for (const auto& url : json.at("urls"))
    plan.targets.push_back({.url = url.get<std::string>(), .method = json.at("method").get<std::string>()});
  plan.connections = json.at("connections");
  plan.threads = json.at("threads");
  if (!json.at("rate").is_null()) plan.arrivals.rate = json.at("rate").get<double>();
  if (!json.at("count").is_null()) plan.arrivals.count = json.at("count").get<std::uint64_t>();
  if (!json.at("duration_s").is_null()) plan.arrivals.duration = NanosOf(json.at("duration_s"));
  plan.arrivals.poisson = json.at("arrival") == "poisson";
  plan.seed = json.at("seed");
  plan.wire.timeout = NanosOf(json.at("timeout_s"));
  plan.arrivals.warmup = NanosOf(json.at("warmup_s"));
  plan.wire.keep_alive = json.at("keepalive");
  plan.arrivals.ramp = NanosOf(json.value("ramp_s", nlohmann::json(0)));
  plan.wire.extras.limit_rate = json.value("limit_rate", std::uint64_t{0});
  const auto replica = json.at("replica").get<std::string>();
  if (std::sscanf(replica.c_str(), "%d/%d", &plan.replica.index, &plan.replica.of) == 2) --plan.replica.index;
  for (const auto& stage : json.value("stages", nlohmann::json::array()))
    plan.arrivals.stages.push_back({.rate = stage.at("rate"), .duration = NanosOf(stage.at("duration_s"))});
  return plan;
}

void ReadPhases(const nlohmann::json& json, TargetCounts& target) {
  for (std::size_t i = 0; i < kPhases; ++i) {
    const auto found = json.find(std::string(kPhaseNames[i]));
    if (found == json.end()) continue;
    auto& phase = target.phases[i];
    phase.count = found->at("count");
    phase.sum = std::llround(found->at("mean").get<double>() * static_cast<double>(phase.count));
    phase.max = found->at("max");
  }
}

void ReadCounts(const nlohmann::json& json, RunResult& run) {
  const auto& requests = json.at("requests");
  auto& tally = run.tally;
  tally.sent = requests.at("sent");
  tally.in_flight_at_end = requests.at("in_flight_at_end");
  tally.saturated = requests.at("saturated");
  tally.bytes_received = json.at("bytes").at("received");
  tally.outcomes.Add(Outcome::kOk, requests.at("ok"));
  for (const auto& [name, n] : json.at("errors").items())
    tally.outcomes.Add(OutcomeOf(name).value_or(Outcome::kOther), n);
  for (const auto& [name, detail] : json.at("error_details").items())
    tally.outcomes.Explain(OutcomeOf(name).value_or(Outcome::kOther), detail.get<std::string>());
  for (const auto& [code, n] : json.at("status").items()) tally.status[std::stoi(code)] = n;
  const auto first = json.value("first_responses", nlohmann::json::object());
  for (const auto& [code, response] : first.items())
    tally.first_responses[std::stoi(code)] = {.head = response.at("head"), .body = response.at("body")};
  std::size_t url = 0;
  for (const auto& target : json.at("targets")) {
    auto& counts = tally.targets.At(url++);
    counts = {.sent = target.at("sent"), .completed = target.at("completed"), .ok = target.at("ok")};
    const auto errors = target.value("errors", nlohmann::json::object());
    for (const auto& [name, n] : errors.items())
      counts.errors[OutcomeOf(name).value_or(Outcome::kOther)] += n.get<std::uint64_t>();
    ReadPhases(target.value("phases_us", nlohmann::json::object()), counts);
  }
  for (const auto& [slot, worker] : json.at("workers").items())
    tally.workers[slot] = {.requests = worker.at("requests"), .errors = worker.at("errors")};
  run.scheduled = requests.at("scheduled");
  run.warmed_up = requests.at("warmed_up");
  tally.follow_ups = std::min(requests.value("follow_ups", std::uint64_t{0}), run.scheduled);
  tally.sent_in_time = static_cast<std::uint64_t>(std::llround(
      json.at("achieved").get<double>() * static_cast<double>(run.scheduled - tally.follow_ups)));
}

/// "target-3" and "target-3-not_ok".
bool TakeTargetLine(const HdrInterval& line, RunResult& run) {
  unsigned url = 0;
  int end = 0;
  if (std::sscanf(line.tag.c_str(), "target-%u%n", &url, &end) != 1 || url >= TargetList::kMostTimed)
    return false;
  const auto rest = std::string_view(line.tag).substr(static_cast<std::size_t>(end));
  if (!rest.empty() && rest != "-not_ok") return false;
  auto& target = run.tally.targets.At(url);
  line.histogram.AddTo(rest.empty() ? target.response : target.not_ok_response);
  Interval interval;
  interval.targets.resize(url + 1);
  (rest.empty() ? interval.targets[url].response : interval.targets[url].not_ok_response) = line.histogram;
  run.series.Add(line.begin, interval);
  return true;
}

/// Where a line of the log belongs: to a second of the series and the whole, or to the whole alone.
void TakeLine(const HdrInterval& line, RunResult& run) {
  auto& tally = run.tally;
  if (line.tag.empty()) {
    run.series.Add(line.begin, {.response = line.histogram});
    line.histogram.AddTo(tally.latency.response);
  } else if (line.tag == "service") {
    run.series.Add(line.begin, {.service = line.histogram});
    line.histogram.AddTo(tally.latency.service);
  } else if (line.tag == "lag") {
    run.series.Add(line.begin, {.lag = line.histogram});
    line.histogram.AddTo(tally.latency.lag);
  } else if (line.tag == "not_ok") {
    run.series.Add(line.begin, {.not_ok_response = line.histogram});
    line.histogram.AddTo(tally.parts.not_ok_response);
  } else if (line.tag == "not_ok-service") {
    run.series.Add(line.begin, {.not_ok_service = line.histogram});
    line.histogram.AddTo(tally.parts.not_ok_service);
  } else if (line.tag == "own_lag") {
    line.histogram.AddTo(tally.latency.own_lag);
  } else if (line.tag == "session") {
    line.histogram.AddTo(tally.sessions.took);
  }
  for (std::size_t i = 0; i < kPhases; ++i) {
    if (line.tag == kPhaseNames[i]) line.histogram.AddTo(tally.phases[i]);
  }
  if (TakeTargetLine(line, run)) return;
  for (auto& [outcome, histogram] : tally.parts.by_outcome) {
    if (line.tag == "outcome-" + std::string(Name(outcome))) return line.histogram.AddTo(histogram);
  }
  for (auto& [status, histogram] : tally.parts.by_status) {
    if (line.tag == "status-" + std::to_string(status)) return line.histogram.AddTo(histogram);
  }
  for (auto& [slot, worker] : tally.workers) {
    if (line.tag == TagText("worker-" + slot)) return line.histogram.AddTo(worker.service);
  }
}

/// The places that the log's lines are for.
void NameParts(const nlohmann::json& json, LatencyParts& parts) {
  for (const auto& [name, latency] : json.at("outcome").items())
    parts.by_outcome[OutcomeOf(name).value_or(Outcome::kOther)] = {};
  for (const auto& [code, latency] : json.at("status").items()) parts.by_status[std::stoi(code)] = {};
}

void MakePartsExact(const nlohmann::json& json, LatencyParts& parts) {
  MakeExact(json.at("not_ok"), parts.not_ok_response);
  MakeExact(json.at("not_ok_service"), parts.not_ok_service);
  for (auto& [outcome, histogram] : parts.by_outcome)
    MakeExact(json.at("outcome").at(std::string(Name(outcome))), histogram);
  for (auto& [status, histogram] : parts.by_status)
    MakeExact(json.at("status").at(std::to_string(status)), histogram);
}

/// Of one URL the log has no lines: its latencies are the run's.
void MakeTargetsExact(const nlohmann::json& json, Tally& tally) {
  for (std::size_t i = 0; i < json.size() && json[i].contains("latency_us"); ++i) {
    auto& target = tally.targets.At(i);
    if (json.size() == 1) {
      target.response = tally.latency.response;
      target.not_ok_response = tally.parts.not_ok_response;
    }
    MakeExact(json[i].at("latency_us"), target.response);
    MakeExact(json[i].at("latency_not_ok_us"), target.not_ok_response);
  }
}

void ReadSessions(const nlohmann::json& json, SessionCounts& sessions) {
  sessions.begun = json.at("begun");
  sessions.complete = json.at("complete");
  sessions.failed = json.at("failed");
  sessions.cut = json.at("cut");
  MakeExact(json.at("took_us"), sessions.took);
}

void ReadSelf(const nlohmann::json& json, Report& report) {
  auto& run = report.run;
  const auto& self = json.at("self");
  run.cpu = NanosOf(self.at("cpu_s"));
  run.busiest = {.cpu = static_cast<sys::Nanos>(self.at("busiest_thread").get<double>() *
                                                static_cast<double>(run.duration)),
                 .run_queue = NanosOf(self.at("run_queue_s")),
                 .wall = run.duration};
  run.cores = self.at("cores");
  run.tally.timing.longest_pause = NanosOf(self.value("longest_pause_s", nlohmann::json(0)));
  run.peak_memory = self.at("peak_memory_bytes");
  const auto& network = self.at("network");
  run.kernel = {.retransmits = network.at("retransmits"),
                .accept_overflows = network.at("accept_overflows"),
                .syn_drops = network.at("syn_drops"),
                .machine_all = NanosOf(self.at("machine_cpu_s"))};
  run.tally.connections = {.opened = network.at("own_connections"),
                           .sent_again = network.at("own_connections_sent_again"),
                           .retransmits = network.at("own_retransmits"),
                           .http1 = network.value("http1_connections", std::uint64_t{0}),
                           .http2 = network.value("http2_connections", std::uint64_t{0}),
                           .tls = network.value("tls_sessions", std::uint64_t{0}),
                           .resumed = network.value("tls_resumed", std::uint64_t{0})};
  for (const auto& row : network.value("addresses", nlohmann::json::array()))
    run.tally.connections.addresses.Add(
        {.address = row.at("address"), .tried = row.at("tried"), .connected = row.at("connected")});
  run.kernel.machine_busy =
      std::llround(self.at("machine_cpu").get<double>() * static_cast<double>(run.kernel.machine_all));
  report.self = {.bottleneck = self.at("bottleneck"), .valid = json.at("valid"), .reason = json.at("reason")};
}

Report FromJson(const nlohmann::json& json) {
  Report report{.engine = json.at("engine"), .plan = PlanOf(json.at("plan")), .run = {}, .self = {}};
  report.identity = json.at("plan").value("identity", "");
  auto& run = report.run;
  run.start_unix_ms = json.at("start_unix_ms");
  run.duration = NanosOf(json.at("duration_s"));
  run.sending = NanosOf(json.value("sending_s", json.at("duration_s")));
  run.counted = json.value("counted", json.at("requests").at("completed"));
  run.tally.timing.completed_at_last_sent =
      json.value("completed_while_sending", nlohmann::json(run.counted));
  run.stopped = json.at("stopped");
  ReadCounts(json, run);
  run.series = ReadSeries(json.at("series"));
  const auto by = json.find("latency_by");  // reports of before it have none
  if (by != json.end()) NameParts(*by, run.tally.parts);
  for (const auto& text : json.at("hdr_log")) {
    auto line = ParseHdrLine(text.get<std::string>());
    if (!line) throw std::runtime_error("hdr_log: " + line.error().message);
    TakeLine(*line, run);
  }
  if (by != json.end()) MakePartsExact(*by, run.tally.parts);
  const auto& latency = json.at("latency_us");
  MakeExact(latency.at("response"), run.tally.latency.response);
  MakeExact(latency.at("service"), run.tally.latency.service);
  MakeExact(latency.at("lag"), run.tally.latency.lag);
  MakeExact(json.at("self").at("own_lag_us"), run.tally.latency.own_lag);
  for (const auto& [slot, worker] : json.at("workers").items()) {
    if (!worker.contains("mean_us")) continue;
    MakeExact(worker.at("mean_us").get<double>(), worker.at("max_us").get<std::int64_t>(),
              run.tally.workers[slot].service);
  }
  for (std::size_t i = 0; i < kPhases; ++i)
    MakeExact(json.at("phases_us").at(std::string(kPhaseNames[i])), run.tally.phases[i]);
  if (json.at("targets").size() > report.plan.targets.size())
    throw std::runtime_error("its targets are none of its URLs");
  for (std::size_t i = 0; i < json.at("targets").size(); ++i)
    report.plan.targets[i].name = json.at("targets")[i].value("name", "");
  MakeTargetsExact(json.at("targets"), run.tally);
  if (json.contains("sessions")) ReadSessions(json.at("sessions"), run.tally.sessions);
  ReadSelf(json, report);
  if (!json.at("aborted").is_null()) report.aborted = json.at("aborted");
  report.until = json.value("until", nlohmann::json()).is_null() ? "" : json.at("until").get<std::string>();
  if (run.tally.sent !=
      run.tally.outcomes.completed() + run.tally.outcomes.failed() + run.tally.in_flight_at_end)
    throw std::runtime_error("its requests do not add up");
  if (run.tally.latency.response.count() != run.tally.sent)
    throw std::runtime_error("its hdr_log is not all of its requests");
  return report;
}

}  // namespace

sys::Result<Report> ReadReport(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    if (json.contains("best_rps")) return sys::Failure("the JSON of loadgen search, and no report of a run");
    if (json.contains("differences"))
      return sys::Failure("the JSON of loadgen compare, and no report of a run");
    return FromJson(json);
  } catch (const std::exception& error) {
    return sys::Failure(fmt::format("not a whole JSON report of loadgen: {}", JsonWords(error)));
  }
}

}  // namespace hydrapool::loadgen
