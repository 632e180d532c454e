#include "loadgen/command/plan_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <tuple>
#include <utility>

#include "loadgen/plan/replica.h"
#include "loadgen/plan/stage_list.h"
#include "loadgen/plan/start_time.h"
#include "pool/sys/units.h"

namespace hydrapool::loadgen {
namespace {

constexpr const char* kLoadGroup = "Load";

template <typename Int>
CLI::Validator From1To(Int most) {
  return CLI::Range(Int{1}, most).description("");
}

}  // namespace

sys::Result<Plan> PlanOptions::Understand(int cores) const {
  Plan plan;
  if (const auto rate = Rate(); !rate)
    return tl::unexpected(rate.error());  // else a missing URL is complained of
  if (const auto filled = request_.Fill(plan); !filled) return tl::unexpected(filled.error());
  if (const auto filled = FillLoad(cores, plan); !filled) return tl::unexpected(filled.error());
  return plan;
}

sys::Result<std::optional<double>> PlanOptions::Rate() const {
  if (rate_.empty()) return std::nullopt;
  const auto rate = sys::ParseRate(rate_);
  if (!rate) return sys::Failure("-R " + rate.error().message);
  return *rate;
}

/// What a log's own times leave no room for.
sys::Result<void> PlanOptions::FitsReplay() const {
  for (const auto& [flag, given] :
       {std::pair("-R", !rate_.empty()), std::pair("--stages", !stages_.empty()),
        std::pair("--arrival", !arrival_.empty()), std::pair("-n", count_.has_value()),
        std::pair("--warmup", !warmup_.empty())}) {
    if (given)
      return sys::Failure(fmt::format("{} and --replay exclude each other: a log has its own times", flag));
  }
  return {};
}

sys::Result<void> PlanOptions::FillRate(Plan& plan) const {
  if (plan.arrivals.replay) {
    if (auto fits = FitsReplay(); !fits) return fits;
  }
  if (const auto rate = Rate(); rate && *rate) {
    if (plan.arrivals.rate) return sys::Failure("-R and --target rate= exclude each other");
    plan.arrivals.rate = **rate;
  }
  if (!stages_.empty()) {
    auto stages = ParseStages(stages_);
    if (!stages) return tl::unexpected(stages.error());
    if (plan.arrivals.rate) return sys::Failure("--stages and --target rate= exclude each other");
    plan.arrivals.stages = std::move(*stages);
    plan.arrivals.rate = MeanRateOf(plan.arrivals.stages);
  }
  plan.arrivals.poisson = arrival_ == "poisson";
  plan.arrivals.saturate = saturate_ == "open"   ? Saturate::kOpen
                           : saturate_ == "drop" ? Saturate::kDrop
                                                 : Saturate::kQueue;
  if (plan.arrivals.rate) return {};
  if (!arrival_.empty()) return sys::Failure("--arrival needs a rate (-R, --stages or --target rate=)");
  if (plan.arrivals.saturate != Saturate::kQueue)
    return sys::Failure("--saturate needs a rate (-R, --stages or --target rate=)");
  return {};
}

sys::Result<void> PlanOptions::FillTimes(Plan& plan) const {
  const auto longest = plan.arrivals.duration;
  for (const auto& [flag, text, time] : {std::tuple("-d", &duration_, &plan.arrivals.duration),
                                         std::tuple("--timeout", &timeout_, &plan.wire.timeout),
                                         std::tuple("--warmup", &warmup_, &plan.arrivals.warmup)}) {
    if (text->empty()) continue;
    const auto parsed = sys::ParseDuration(*text);
    if (!parsed) return sys::Failure(fmt::format("{} {}", flag, parsed.error().message));
    *time = *parsed;
  }
  if (plan.arrivals.replay) plan.arrivals.duration = std::min(plan.arrivals.duration, longest);
  plan.wire.drain = std::min(plan.wire.drain, plan.wire.timeout);
  if (!plan.arrivals.stages.empty()) {
    plan.arrivals.duration = DurationOf(plan.arrivals.stages) - plan.arrivals.warmup;
    if (plan.arrivals.duration <= 0) return sys::Failure("--warmup leaves nothing of --stages");
  }
  if (!start_at_.empty()) {
    const auto at = ParseStartTime(start_at_);
    if (!at) return sys::Failure("--start-at " + at.error().message);
    plan.arrivals.start_at = *at;
  }
  return {};
}

/// How long it takes to make all connections: a time, or what a rate of them makes it.
sys::Result<void> PlanOptions::FillRamp(Plan& plan) const {
  if (ramp_.empty()) return {};
  if (ramp_.find('/') == std::string::npos) {
    const auto time = sys::ParseDuration(ramp_);
    if (!time) return sys::Failure("--ramp " + time.error().message);
    plan.arrivals.ramp = *time;
  } else {
    const auto rate = sys::ParseRate(ramp_);
    if (!rate) return sys::Failure("--ramp " + rate.error().message);
    plan.arrivals.ramp = std::max<sys::Nanos>(std::llround(connections_ / *rate * sys::kSecond), 1);
  }
  if (!plan.arrivals.count && plan.arrivals.ramp > plan.arrivals.warmup + plan.arrivals.duration)
    return sys::Failure(
        fmt::format("--ramp {} ends after the run: not all of -c {} would be made", ramp_, connections_));
  return {};
}

sys::Result<void> PlanOptions::FillConnections(int cores, Plan& plan) const {
  if (!replica_.empty()) {
    const auto replica = replica_ == "auto" ? ReplicaFromEnvironment(&std::getenv) : ParseReplica(replica_);
    if (!replica) return tl::unexpected(replica.error());
    plan.replica = *replica;
  }
  plan.connections = ConnectionsOf(plan.replica, connections_);
  if (plan.connections == 0) {
    return sys::Failure(
        fmt::format("-c {} leaves none for one of {} replicas", connections_, plan.replica.of));
  }
  plan.threads = threads_.value_or(std::min(std::max(cores, 1), plan.connections));
  if (plan.threads > plan.connections) {
    return sys::Failure(
        fmt::format("-t {} needs at least as many connections, not -c {}; -t is threads (-d is how long)",
                    plan.threads, plan.connections));
  }
  return {};
}

sys::Result<void> PlanOptions::FillLoad(int cores, Plan& plan) const {
  plan.arrivals.count = count_;
  if (auto filled = FillRate(plan); !filled) return filled;
  if (auto filled = FillTimes(plan); !filled) return filled;
  if (auto filled = FillRamp(plan); !filled) return filled;
  return FillConnections(cores, plan);
}

void PlanOptions::AddConnections(CLI::App& app) {
  app.option_defaults()->group(kLoadGroup);
  app.add_option("-c,--connections", connections_, "connections; with -R the most it may hold")
      ->type_name("N")
      ->check(From1To(1'000'000))
      ->capture_default_str();
  app.add_option("--ramp", ramp_,
                 "begin with one connection a thread and add the others evenly over this time, or so many "
                 "a second (200/s)")
      ->type_name("TIME|RATE");
  app.add_option("-t,--threads", threads_, "threads (default: one for each core, at most -c)")
      ->type_name("N")
      ->check(From1To(1024));
}

void PlanOptions::AddArrival(CLI::App& app) {
  app.add_option("--arrival", arrival_, "open loop: constant (default), or poisson: due at random")
      ->type_name("{constant|poisson}")
      ->check(CLI::IsMember({"constant", "poisson"}).description(""));
  app.add_option("--saturate", saturate_,
                 "open loop, all connections busy: queue (sent late, and its latency says so), open (more "
                 "connections) or drop (not sent); counted as saturated")
      ->type_name("{queue|open|drop}")
      ->check(CLI::IsMember({"queue", "open", "drop"}).description(""))
      ->capture_default_str();
}

void PlanOptions::AddTo(CLI::App& app) {
  AddConnections(app);
  auto* rate = app.add_option("-R,--rate", rate_, "open loop: requests a second (default: closed loop)");
  rate->type_name("RATE");
  auto* stages =
      app.add_option("--stages", stages_,
                     "open loop whose rate changes: 500:10s,500:30s,0:5s goes from 0 to 500/s in 10 s, stays "
                     "there for 30 s and falls to 0 in 5 s; RATE:0s jumps");
  stages->type_name("RATE:TIME,…")->excludes(rate);
  AddArrival(app);
  auto* duration = app.add_option("-d,--duration", duration_, "how long (default: 10s)");
  duration->type_name("TIME")->excludes(stages);
  auto* warmup = app.add_option("--warmup", warmup_,
                                "send for this long before -d begins, and count none of it (with --stages: "
                                "their first part)");
  warmup->type_name("TIME");
  app.add_option("-n,--requests", count_, "this many requests instead of -d")
      ->type_name("N")
      ->check(From1To(std::uint64_t{1} << 53))
      ->excludes(duration)
      ->excludes(warmup)
      ->excludes(stages);
  app.add_option("--start-at", start_at_,
                 "when to begin, like 2026-11-22T15:04:05Z or seconds since the epoch")
      ->type_name("WHEN");
  app.add_option("--replica", replica_,
                 "I/N: this is the I-th of N processes that share the rate, -c, -n and the requests' "
                 "numbers; auto: as "
                 "the environment says (Swarm, Kubernetes, Slurm; see below)")
      ->type_name("I/N");
  AddTimeout(app);
  request_.AddTo(app);
}

void PlanOptions::AddForSearch(CLI::App& app) {
  AddConnections(app);
  app.add_option("-R,--rate", rate_, "the first rate to try (default: 100/s)")->type_name("RATE");
  AddArrival(app);
  app.add_option("-d,--duration", duration_, "how long each rate is tried (default: 10s)")->type_name("TIME");
  app.add_option("--warmup", warmup_, "send for this long before each -d, and count none of it")
      ->type_name("TIME");
  AddTimeout(app);
  request_.AddTo(app);
}

void PlanOptions::AddTimeout(CLI::App& app) {
  app.add_option("--timeout", timeout_, "for one request, from its sending")
      ->type_name("TIME")
      ->capture_default_str();
}

}  // namespace hydrapool::loadgen
