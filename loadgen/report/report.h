#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loadgen/engine/load_run.h"
#include "loadgen/plan/plan.h"
#include "loadgen/report/fault_spans.h"
#include "loadgen/report/slo.h"
#include "loadgen/stats/self_check.h"

namespace hydrapool::loadgen {

/// A run's result with the judgement of the generator's own part in it: all that any form of report is made
/// from.
struct Report {
  std::string engine;
  Plan plan;
  RunResult run;
  SelfCheck self;
  std::vector<SloVerdict> slos = {};
  std::vector<FaultSpan> faults = {};  ///< Of --faults.
  std::string aborted = {};            ///< The --abort-on that came true, with its value; empty: none did.
  std::string until = {};              ///< What became of --until, in words; empty: it was not given.
  std::string identity = {};           ///< Of its plan (plan_identity.h); empty: reports of before had none.

  [[nodiscard]] bool slos_met() const;
};

/// Judges the run by itself and by what it was to hold.
Report MakeReport(std::string engine, const Plan& plan, RunResult run, std::span<const Slo> slos = {});

/// Jain's index of the workers' completed requests; 1 where no worker was named.
double Fairness(const Tally& tally);

/// Why not one request can have reached a server, in words; nullopt where one may have.
std::optional<std::string> NothingReached(const Report& report);

/// Schema 1, which other tools rely on:
///
///   schema, engine
///   requests         {scheduled, unsent, sent, completed, ok, failed, in_flight_at_end,
///                    saturated: due while all connections were busy, warmed_up: sent before and not counted,
///                    follow_ups: of those sent, later requests of sessions, due by no schedule}
///   duration_s, sending_s, throughput_rps (= counted / sending_s: RunResult::throughput)
///   bytes            {received}: heads and decoded bodies
///   latency_us       {response, service, lag}, each {min, p50, p90, p95, p99, "p99.9", max, mean,
///                    sd, count} in µs
///   status           {"200": n}, of completed requests
///   errors           {name: n}, of all that ended and were not ok; the names are those of outcome.h
///   workers          {"SLOT": {requests, errors, p50_us, p99_us, max_us, mean_us}}: completed, not ok,
///                    service latencies (of the first kMaxTimedWorkers)
///   fairness_jain    Jain's index of the workers' requests; 1 where none was named
///   self             {cpu_s, cpu_us_per_request, bottleneck}; bottleneck as in self_check.h
///
/// And beside these:
///
///   valid, reason    the judgement of self_check.h
///   stopped          whether it was ended early
///   aborted          the --abort-on that came true, with its value; null otherwise
///   until            what became of --until, in words; null where it was not given
///   achieved         the share of the schedule (scheduled - follow_ups) that was sent in time
///   counted, completed_while_sending   how many responses the rate is made of, and how many came before the
///                    last request was sent
///   latency_by       response latencies as in latency_us by what became of the request: {ok, not_ok,
///                    outcome: {name: …}, status: {"200": …}}, and not_ok_service
///   plan             {urls, method, connections, threads, rate, arrival, seed, duration_s, count, timeout_s,
///                    warmup_s, ramp_s, replica, stages, limit_rate, keepalive, identity: the same of all
///                    parts of one run}
///   sessions         {begun, complete, failed, cut, took_us: as in latency_us, of complete ones}
///   targets          [{url, name: empty where it has none, sent, completed, ok, in_flight_at_end, errors:
///   {name: n}, phases_us: {name: {count, mean, max}}, and of the first
///                    TargetList::kMostTimed response latencies: latency_us, of ok answers latency_ok_us, of
///                    the rest latency_not_ok_us}], as the plan's URLs
///   slo              [{objective, met, value, shown, samples}]; latencies in µs, errors<…% as a share; shown
///                    is for people; samples is how many requests the value stands for
///   nothing_reached  why not one request can have reached a server, in words; null where one may have
///   first_responses  {"500": {head, body}}: how the first response of each status began that was not
///   expected error_details    {name: the first explanation seen} phases_us        {connect, tls, first_byte,
///   body}, each as in latency_us self             {busiest_thread: its share of time on a core, run_queue_s:
///   its wait for one,
///                    own_lag_us: as in latency_us, the part of the lag with a connection free,
///                    longest_pause_s: for how long a thread did not run at all, cores,
///                    machine_cpu: share of the cores' time (machine_cpu_s) that all programs took,
///                    peak_memory_bytes, network {retransmits, accept_overflows, syn_drops: of all programs;
///                    addresses: [{address, tried, connected}]: of the server, as connection_counts.h}}
///   start_unix_ms
///   series           {width_s, rows: [{begin_s, sent, outcomes: {name: n}, rate, p50_us, p90_us, p99_us,
///                    max_us, targets: where there are several URLs [{sent, completed, ok, ended, errors:
///                    {name: n}, p50_us, p99_us, phases: {name: {count, sum_us}}}], behind the first
///                    TargetList::kMostTimed one row for all others}]}: a row for each interval in which
///                    something happened (interval_series.h)
///   hdr_log          the lines of the run's HdrHistogram log (hdr_log.h), all its latencies
nlohmann::ordered_json ToJson(const Report& report);

/// Why no answer came, in words, where requests were sent and none was answered; nullopt where one was.
std::optional<std::string> NothingAnswered(const Report& report);

/// JSON as a file has it. All of it is ASCII, so that nothing a server says can do anything to a terminal;
/// what is no UTF-8 becomes U+FFFD.
std::string JsonText(const nlohmann::ordered_json& json);

/// The flags that say how much load it was, as a command line: "loadgen -R 500 -c 10 -t 2 -d 30s --timeout
/// 10s URL". Nothing that may be secret is in it.
std::string CommandOf(const Plan& plan);

/// What was loaded, and how, in a line: "http://h/ (raw engine, closed loop, 10 connections, 2 threads)".
std::string Describe(const Plan& plan, const std::string& engine);

/// For people: counts, percentiles, phases, errors, workers, a histogram, the generator's own part.
std::string ToText(const Report& report);

}  // namespace hydrapool::loadgen
