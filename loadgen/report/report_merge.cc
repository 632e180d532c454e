#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/plan/target_list.h"
#include "loadgen/report/report_reader.h"
#include "loadgen/report/until.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kMostMissing = 40;  // characters

/// Where each of `targets` is among `all`, by its URL and its name; `all` gets those it lacks.
std::vector<std::size_t> Places(const std::vector<Target>& targets, std::vector<Target>& all) {
  std::vector<std::size_t> places;
  for (const auto& target : targets) {
    const auto found = std::ranges::find_if(
        all, [&](const Target& each) { return each.url == target.url && each.name == target.name; });
    places.push_back(static_cast<std::size_t>(found - all.begin()));
    if (found == all.end()) all.push_back(target);
  }
  return places;
}

/// What became of an --until, told again of all runs together.
std::string UntilOf(const std::string& told, const RunResult& run) {
  const auto until = ParseUntil(std::string_view(told).substr(0, told.find_first_of(": ")));
  return until ? Tell(*until, run) : told;
}

/// "2, 3" of the run's replicas, or the first of them; empty: all are there.
std::string MissingParts(std::span<const Report> reports) {
  std::string missing;
  for (int i = 0; i < reports.front().plan.replica.of && missing.size() < kMostMissing; ++i) {
    const auto is_it = [i](const Report& report) { return report.plan.replica.index == i; };
    if (std::ranges::none_of(reports, is_it))
      missing += fmt::format("{}{}", missing.empty() ? "" : ", ", i + 1);
  }
  return missing;
}

bool HaveOnePlan(std::span<const Report> reports) {
  return std::ranges::all_of(
      reports, [&](const Report& report) { return report.identity == reports.front().identity; });
}

}  // namespace

std::string WrongParts(std::span<const Report> reports, bool any_plan) {
  for (auto report = reports.begin(); report != reports.end(); ++report) {
    const auto& part = report->plan.replica;
    const auto& of = reports.front().plan.replica.of;
    if (part.of != of)
      return fmt::format("a replica of {} and one of {} are no parts of one run", std::min(of, part.of),
                         std::max(of, part.of));
    const auto is_it = [&part](const Report& other) { return other.plan.replica.index == part.index; };
    if (of > 1 && std::any_of(reports.begin(), report, is_it))
      return fmt::format("replica {}/{} is there twice", part.index + 1, of);
    if (of > 1 && !any_plan && report->identity != reports.front().identity)
      return fmt::format(
          "replicas {}/{} and {}/{} are of different runs: their plans differ (--any-plan merges them "
          "nevertheless)",
          reports.front().plan.replica.index + 1, of, part.index + 1, of);
  }
  return {};
}

Report MergeReports(std::span<const Report> reports, std::span<const Slo> slos) {
  auto plan = reports.front().plan;
  auto run = reports.front().run;
  SelfCheck self = reports.front().self;
  auto aborted = reports.front().aborted;
  auto until = reports.front().until;
  const bool parts_of_one = plan.replica.of > 1;
  for (const auto& other : reports.subspan(1)) {
    plan.connections += other.plan.connections;
    plan.threads += other.plan.threads;
    if (!parts_of_one && plan.arrivals.rate && other.plan.arrivals.rate)
      *plan.arrivals.rate += *other.plan.arrivals.rate;
    if (!parts_of_one && plan.arrivals.count && other.plan.arrivals.count)
      *plan.arrivals.count += *other.plan.arrivals.count;
    auto part = other.run;
    if (UrlsOf(other.plan) != UrlsOf(plan) || TargetNames(other.plan) != TargetNames(plan)) {
      const auto places = Places(other.plan.targets, plan.targets);
      part.tally.targets.Renumber(places);
      part.series.RenumberTargets(places);
    }
    run.Merge(part);
    if ((self.valid && !other.self.valid) || self.reason.empty()) self = other.self;
    if (aborted.empty()) aborted = other.aborted;
    if (until.empty()) until = other.until;
  }
  if (const auto missing = MissingParts(reports); !missing.empty())
    self = {.bottleneck = self.bottleneck,
            .valid = false,
            .reason = fmt::format("replica {} of {} is missing: this is not the whole run{}{}", missing,
                                  plan.replica.of, self.reason.empty() ? "" : "; ", self.reason)};
  plan.replica = {};
  auto merged = MakeReport(reports.front().engine, plan, std::move(run), slos);
  merged.self = std::move(self);
  merged.identity = HaveOnePlan(reports) ? reports.front().identity : "";
  merged.aborted = std::move(aborted);
  merged.until = UntilOf(until, merged.run);
  return merged;
}

}  // namespace hydrapool::loadgen
