#include "loadgen/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "loadgen/plan/figures.h"
#include "loadgen/plan/plan_identity.h"
#include "loadgen/plan/scenario.h"
#include "loadgen/report/terminal_text.h"
#include "metrics/fairness.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kMostUrl = 120;

std::string_view Plural(int n) { return n == 1 ? "" : "s"; }

/// How connections are used, where that is not as usual.
std::string Manner(const Wire& wire) {
  std::string manner = wire.keep_alive ? "" : ", a connection for each request";
  if (wire.extras.limit_rate > 0)
    manner += fmt::format(", {}/s each", FormatBytes(static_cast<double>(wire.extras.limit_rate)));
  return manner;
}

std::string_view Arriving(const Plan& plan) {
  return plan.scenario && !plan.scenario->of_requests ? "sessions" : "requests";
}

}  // namespace

Report MakeReport(std::string engine, const Plan& plan, RunResult run, std::span<const Slo> slos) {
  // A thread that has nothing left to send has ended: the share is of the run, not of its own life.
  run.busiest.wall = std::max(run.busiest.wall, run.duration);
  const SelfEvidence evidence{.open_loop = plan.arrivals.rate.has_value(),
                              .achieved = run.achieved(),
                              .never_left = run.tally.sent == 0
                                                ? 0
                                                : static_cast<double>(run.tally.outcomes.never_left()) /
                                                      static_cast<double>(run.tally.sent),
                              .busiest = run.busiest,
                              .duration = run.duration,
                              .worst_own_lag = run.tally.latency.own_lag.max() * sys::kMicrosecond,
                              .longest_pause = run.tally.timing.longest_pause,
                              .lag_p99 = run.tally.latency.lag.ValueAtPercentile(99) * sys::kMicrosecond,
                              .out_of_ports = run.tally.outcomes.of(Outcome::kNoPorts) > 0,
                              .out_of_descriptors = run.tally.outcomes.of(Outcome::kNoDescriptors) > 0,
                              .port_range = LocalPortRange(),
                              .machine_cpu = run.kernel.busy_share(),
                              .cpu = run.cpu,
                              .cores = run.cores};
  auto self = CheckSelf(evidence);
  std::vector<SloVerdict> verdicts;
  for (const auto& slo : slos) verdicts.push_back(Check(slo, run));
  return {.engine = std::move(engine),
          .plan = plan,
          .run = std::move(run),
          .self = std::move(self),
          .slos = std::move(verdicts),
          .identity = IdentityOf(plan)};
}

bool Report::slos_met() const { return std::ranges::all_of(slos, &SloVerdict::met); }

std::optional<std::string> NothingReached(const Report& report) {
  const auto& tally = report.run.tally;
  if (tally.sent == 0) return "no request was sent";
  if (tally.outcomes.completed() > 0 || tally.in_flight_at_end > 0) return std::nullopt;
  std::string why;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (tally.outcomes.of(outcome) == 0) continue;
    if (!NeverConnected(outcome)) return std::nullopt;
    const std::string& explanation = tally.outcomes.explanation(outcome);
    if (why.empty()) why = explanation.empty() ? std::string(Name(outcome)) : explanation;
  }
  return "not one request reached a server: " + why;
}

std::optional<std::string> NothingAnswered(const Report& report) {
  const auto& tally = report.run.tally;
  if (auto nothing = NothingReached(report)) return nothing;
  if (tally.outcomes.completed() > 0) return std::nullopt;
  return fmt::format("not one of {} requests was answered: {} failed, {} in flight at the end", tally.sent,
                     tally.outcomes.failed(), tally.in_flight_at_end);
}

std::string Describe(const Plan& plan, const std::string& engine) {
  const auto load = plan.arrivals.rate
                        ? fmt::format("open loop, {:g} {}/s{}", *plan.arrivals.rate, Arriving(plan),
                                      plan.arrivals.replay    ? " on average (replayed)"
                                      : plan.arrivals.poisson ? " (Poisson)"
                                                              : "")
                        : std::string("closed loop");
  return fmt::format(
      "{}{} ({} engine, {}, {} connection{}, {} thread{}{})", Printable(plan.targets.front().url, kMostUrl),
      plan.targets.size() > 1 ? fmt::format(" and {} more", plan.targets.size() - 1) : "", engine, load,
      plan.connections, Plural(plan.connections), plan.threads, Plural(plan.threads), Manner(plan.wire));
}

namespace {

/// What of the plan is not as it is without flags, but for how much load there is.
std::string FurtherFlags(const Plan& plan) {
  const auto& wire = plan.wire;
  std::string flags;
  const auto out = std::back_inserter(flags);
  if (plan.arrivals.poisson) flags += " --arrival poisson";
  if (plan.arrivals.saturate != Saturate::kQueue)
    fmt::format_to(out, " --saturate {}", plan.arrivals.saturate == Saturate::kDrop ? "drop" : "open");
  if (!wire.keep_alive) flags += " --connection close";
  if (wire.reuse > 0) fmt::format_to(out, " --connection reuse:{}", wire.reuse);
  if (wire.extras.http2) flags += " --http2";
  if (wire.streams > 1) fmt::format_to(out, " --streams {}", wire.streams);
  if (wire.extras.follow) flags += " -L";
  if (wire.extras.limit_rate > 0) fmt::format_to(out, " --limit-rate {}", wire.extras.limit_rate);
  if (const auto method = MethodOf(plan); !method.empty() && method != "GET")
    fmt::format_to(out, " -m {}", method);
  return flags;
}

}  // namespace

std::string CommandOf(const Plan& plan) {
  std::string stages;
  for (const auto& stage : plan.arrivals.stages)
    stages +=
        fmt::format("{}{:g}:{:g}s", stages.empty() ? "" : ",", stage.rate, sys::ToSeconds(stage.duration));
  std::string command = "loadgen";
  const auto out = std::back_inserter(command);
  if (!stages.empty()) {
    fmt::format_to(out, " --stages {}", stages);
  } else if (plan.arrivals.replay) {
    fmt::format_to(out, " --replay …");
  } else if (plan.arrivals.rate) {
    fmt::format_to(out, " -R {:g}", *plan.arrivals.rate);
  }
  fmt::format_to(out, " -c {} -t {}", plan.connections, plan.threads);
  if (plan.arrivals.count) {
    fmt::format_to(out, " -n {}", *plan.arrivals.count);
  } else if (stages.empty()) {
    fmt::format_to(out, " -d {:g}s", sys::ToSeconds(plan.arrivals.duration));
  }
  if (plan.arrivals.warmup > 0) fmt::format_to(out, " --warmup {:g}s", sys::ToSeconds(plan.arrivals.warmup));
  if (plan.arrivals.ramp > 0) fmt::format_to(out, " --ramp {:g}s", sys::ToSeconds(plan.arrivals.ramp));
  fmt::format_to(out, "{} --timeout {:g}s {}", FurtherFlags(plan), sys::ToSeconds(plan.wire.timeout),
                 plan.targets.front().url);
  if (plan.targets.size() > 1) fmt::format_to(out, " … ({} URLs)", plan.targets.size());
  return command;
}

double Fairness(const Tally& tally) {
  std::vector<double> shares;
  for (const auto& [slot, worker] : tally.workers) shares.push_back(static_cast<double>(worker.requests));
  return metrics::JainIndex(shares);
}

}  // namespace hydrapool::loadgen
