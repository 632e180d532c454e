#include "harness/fault/inject_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/fault/duration.h"

namespace hydrapool::harness {
namespace {

std::string MillisText(const std::vector<sys::Nanos>& values, double p) {
  const auto value = Percentile(values, p);
  return value ? fmt::format("{:.2f} ms", static_cast<double>(*value) / 1e6) : "-";
}

/// "kill random every 250ms".
std::string ScheduleText(const ScheduleSpec& spec) {
  std::string text = fmt::format("{} {} every ", Name(spec.fault), Name(spec.target));
  text +=
      spec.trigger.requests ? fmt::format("{} requests", *spec.trigger.requests) : DurationText(spec.every);
  if (spec.trigger.pace == Pace::kPoisson) text += " (poisson)";
  if (spec.trigger.phase) text += fmt::format(" while {}", Name(*spec.trigger.phase));
  return text;
}

}  // namespace

std::string_view Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDead:
      return "dead";
    case Outcome::kAlive:
      return "alive";
    case Outcome::kHeld:
      return "held";
    case Outcome::kRenewed:
      return "renewed";
    case Outcome::kDelivered:
      return "delivered";
    case Outcome::kMissed:
      return "missed";
  }
  std::abort();
}

std::string ToJson(const InjectRecord& record) {
  nlohmann::ordered_json json{{"id", record.id},
                              {"t_ms", Millis(record.at)},
                              {"unix_ms", record.unix_ms},
                              {"fault", Name(record.fault)},
                              {"target", Name(record.target)},
                              {"draw", record.draw}};
  if (InfoOf(record.fault).effect == Effect::kHolds) json["hold_ms"] = Millis(record.hold);
  if (record.requests) json["requests"] = *record.requests;
  if (record.phase) json["phase"] = Name(*record.phase);
  if (record.worker) {
    json["role"] = Name(record.worker->role);
    if (record.worker->slot) json["slot"] = *record.worker->slot;
    json["pid"] = record.worker->identity.pid;
    json["start_time"] = record.worker->identity.start_time;
  }
  if (record.dead) json["dead_us"] = Micros(*record.dead);
  if (record.undone) json["undone_us"] = Micros(*record.undone);
  if (record.renewed) json["renewed_us"] = Micros(*record.renewed);
  if (!record.ended_ports.empty()) json["connections"] = record.ended_ports.size();
  json["outcome"] = Name(record.outcome);
  json["proof"] = Name(record.proof);
  if (!record.reason.empty()) json["reason"] = record.reason;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void InjectSummary::Add(const InjectRecord& record) {
  ++proofs[record.proof];
  if (!record.reason.empty()) last_reason = record.reason;
  if (record.outcome == Outcome::kMissed) {
    ++missed;
    return;
  }
  ++sent;
  landed += Landed(record.outcome, record.proof) ? 1 : 0;
  survived += record.outcome == Outcome::kAlive ? 1 : 0;
  if (record.dead) dead.push_back(*record.dead);
}

void InjectSummary::PhaseHits::Add(std::optional<bool> was_in_it) {
  ++(!was_in_it ? unknown : *was_in_it ? hit : missed);
}

std::string PhaseHitsText(const InjectSummary::PhaseHits& hits) {
  return fmt::format("{} hit their phase, {} missed it, {} unknown", hits.hit, hits.missed, hits.unknown);
}

std::optional<sys::Nanos> Percentile(std::vector<sys::Nanos> values, double p) {
  if (values.empty()) return std::nullopt;
  const auto rank = static_cast<std::size_t>(std::ceil(p / 100 * static_cast<double>(values.size())));
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::ranges::nth_element(values, nth);
  return *nth;
}

std::string SummaryText(const InjectSummary& summary) {
  const ScheduleSpec& spec = summary.schedule;
  std::string text = summary.listed > 0 ? fmt::format("replay   {} faults of a journal, children of {}\n",
                                                      summary.listed, summary.parent)
                                        : fmt::format("inject   {}, seed {}, children of {}\n",
                                                      ScheduleText(spec), spec.seed, summary.parent);
  text += fmt::format("faults   {} planned, {} sent, {} landed, {} missed, {} survived\n", summary.planned,
                      summary.sent, summary.landed, summary.missed, summary.survived);
  text += fmt::format("dead     p50 {}, p99 {}, max {} after the signal\n", MillisText(summary.dead, 50),
                      MillisText(summary.dead, 99), MillisText(summary.dead, 100));
  const auto proved = [&summary](Proof proof) {
    const auto count = summary.proofs.find(proof);
    return count == summary.proofs.end() ? 0 : count->second;
  };
  text += fmt::format("proof    {} confirmed, {} mismatched, {} unproved\n", proved(Proof::kConfirmed),
                      proved(Proof::kMismatched), proved(Proof::kUnproved));
  if (summary.phases) text += fmt::format("phases   {}\n", PhaseHitsText(*summary.phases));
  if (!summary.last_reason.empty()) text += fmt::format("why      {}\n", summary.last_reason);
  return text;
}

std::string SummaryJson(const InjectSummary& summary) {
  const ScheduleSpec& spec = summary.schedule;
  nlohmann::ordered_json dead{{"count", summary.dead.size()}};
  for (const auto& [name, p] : {std::pair{"p50", 50.0}, {"p99", 99.0}, {"max", 100.0}}) {
    if (const auto value = Percentile(summary.dead, p)) dead[name] = Micros(*value);
  }
  nlohmann::ordered_json proofs;
  for (const Proof proof : {Proof::kConfirmed, Proof::kMismatched, Proof::kUnproved}) {
    const auto count = summary.proofs.find(proof);
    proofs[std::string(Name(proof))] = count == summary.proofs.end() ? 0 : count->second;
  }
  nlohmann::ordered_json json{{"schema", 1},
                              {"parent", summary.parent},
                              {"fault", Name(spec.fault)},
                              {"target", Name(spec.target)},
                              {"every_ms", Millis(spec.every)},
                              {"jitter", spec.jitter},
                              {"seed", spec.seed},
                              {"replayed", summary.listed},
                              {"ended", summary.ended},
                              {"faults",
                               {{"planned", summary.planned},
                                {"sent", summary.sent},
                                {"landed", summary.landed},
                                {"missed", summary.missed},
                                {"survived", summary.survived}}},
                              {"proofs", proofs},
                              {"dead_us", dead}};
  if (spec.trigger.pace != Pace::kSteady) json["pace"] = Name(spec.trigger.pace);
  if (spec.trigger.requests) json["requests"] = *spec.trigger.requests;
  if (spec.trigger.phase) json["phase"] = Name(*spec.trigger.phase);
  if (summary.phases)
    json["phases"] = {{"hit", summary.phases->hit},
                      {"missed", summary.phases->missed},
                      {"unknown", summary.phases->unknown}};
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace hydrapool::harness
