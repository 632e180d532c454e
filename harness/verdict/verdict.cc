#include "harness/verdict/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "harness/fault/duration.h"
#include "harness/fault/inject_record.h"
#include "harness/verdict/running_clock.h"
#include "harness/verdict/validity.h"

namespace hydrapool::harness {
namespace {

constexpr sys::Nanos kTimeToAnswer = sys::kSecond;

std::int64_t CountKind(const RunRecord& run, FailureKind kind) {
  const auto beyond = run.unexamined.find(kind);
  return std::ranges::count(run.failures, kind, &Failure::kind) +
         (beyond == run.unexamined.end() ? 0 : static_cast<std::int64_t>(beyond->second));
}

std::optional<sys::Nanos> DelayP99(const RunRecord& run, std::optional<sys::Nanos> Timeline::*event) {
  std::vector<sys::Nanos> values;
  for (const auto& delay : DelaysOf(run, event)) values.push_back(delay.value_or(kNever));
  return Percentile(std::move(values), 99);
}

std::optional<sys::Nanos> WorstResponse(const RunRecord& run) {
  std::optional<sys::Nanos> worst;
  for (const LoadRecord& load : run.loads) worst = std::max(worst, load.response_p99);
  return worst;
}

void AddServerMeasures(const RunRecord& run, std::map<Measure, std::int64_t>& measured) {
  if (!run.before || !run.after) return;
  const auto more = [](std::size_t now, std::size_t then) {
    return std::max<std::int64_t>(static_cast<std::int64_t>(now) - static_cast<std::int64_t>(then), 0);
  };
  measured[Measure::kUnreaped] = static_cast<std::int64_t>(run.after->unreaped.size());
  measured[Measure::kExtraWorkers] = more(run.after->workers, run.before->workers);
  measured[Measure::kMissingWorkers] = more(run.before->workers, run.after->workers);
  if (run.before->descriptors && run.after->descriptors)
    measured[Measure::kLeaked] = more(*run.after->descriptors, *run.before->descriptors);
}

/// nullopt: it was not seen, or the process that kept account of its dead has died itself.
std::optional<sys::Nanos> CpuPerRequest(const RunRecord& run) {
  std::uint64_t ok = 0;
  for (const LoadRecord& load : run.loads) ok += load.ok;
  const bool seen = run.before && run.after && run.before->cpu && run.after->cpu &&
                    run.before->main == run.after->main && *run.after->cpu >= *run.before->cpu;
  if (!seen || ok == 0) return std::nullopt;
  return (*run.after->cpu - *run.before->cpu) / static_cast<sys::Nanos>(ok);
}

std::map<Measure, std::int64_t> MeasuresOf(const RunRecord& run, const Attribution& attribution) {
  std::map<Measure, std::int64_t> measured{
      {Measure::kLost, CountKind(run, FailureKind::kLost)},
      {Measure::kCut, CountKind(run, FailureKind::kCut)},
      {Measure::kAbandoned, CountKind(run, FailureKind::kAbandoned)},
      {Measure::kUnexplained, static_cast<std::int64_t>(attribution.unexplained.size())},
      {Measure::kDuplicated, static_cast<std::int64_t>(run.ids.duplicated)},
      {Measure::kWrong, static_cast<std::int64_t>(run.ids.wrong)}};
  AddServerMeasures(run, measured);
  if (run.resting.count > 0 && run.resting.kept)
    measured[Measure::kIdleLost] = static_cast<std::int64_t>(run.resting.lost);
  if (run.ids.executed_twice)
    measured[Measure::kExecutedTwice] = static_cast<std::int64_t>(*run.ids.executed_twice);
  if (const auto cpu = CpuPerRequest(run)) measured[Measure::kCpuPerRequest] = *cpu;
  if (const auto reap = Percentile(ReapsOf(run), 99)) measured[Measure::kReapP99] = *reap;
  if (const auto ready = DelayP99(run, &Timeline::ready)) measured[Measure::kReadyP99] = *ready;
  if (const auto recovery = DelayP99(run, &Timeline::first_response))
    measured[Measure::kRecoveryP99] = *recovery;
  if (const auto response = WorstResponse(run)) measured[Measure::kResponseP99] = *response;
  return measured;
}

/// The times of a run in which the machine stood still are as short as these, or not known.
bool MayBeWithin(std::int64_t limit, Measure measure, const std::map<Measure, std::int64_t>& at_best) {
  const auto value = at_best.find(measure);
  return value == at_best.end() || value->second <= limit;
}

std::string WorstFault(const RunRecord& run, const Attribution& attribution) {
  const auto cost = [](const Damage& damage) { return damage.lost + damage.cut + damage.abandoned; };
  const auto worst = std::ranges::max_element(attribution.by_fault, {}, cost);
  if (worst == attribution.by_fault.end() || cost(*worst) == 0) return "";
  const FaultRecord& fault = run.faults[static_cast<std::size_t>(worst - attribution.by_fault.begin())];
  return fmt::format("; most at fault {} ({} of pid {}{}): {}", fault.id, Name(fault.fault),
                     fault.worker->identity.pid,
                     fault.worker->slot ? fmt::format(", slot {}", *fault.worker->slot) : "", cost(*worst));
}

std::string FirstUnexplained(const RunRecord& run, const Attribution& attribution) {
  if (attribution.unexplained.empty()) return "";
  const Failure& first = run.failures[attribution.unexplained.front()];
  return fmt::format("; the first: {} at {} after {:.0f} ms", first.what, first.url,
                     static_cast<double>(first.end - run.start) / 1e6);
}

std::string Detail(Measure measure, const RunRecord& run, const Attribution& attribution) {
  if (measure == Measure::kUnexplained) return FirstUnexplained(run, attribution);
  if (measure != Measure::kLost && measure != Measure::kCut && measure != Measure::kAbandoned) return "";
  std::string detail = WorstFault(run, attribution);
  const auto kills = std::ranges::count_if(run.faults, &FaultRecord::killed);
  if (run.pool.totals && run.pool.totals->rescued == 0 && kills > 0)
    detail += fmt::format("; the pool rescued nothing at {} deaths", kills);
  return detail;
}

}  // namespace

std::string_view Name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "PASS";
    case Verdict::kFail:
      return "FAIL";
    case Verdict::kInvalid:
      return "INVALID";
    case Verdict::kAborted:
      return "ABORTED";
  }
  std::abort();
}

int ExitCodeOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return 0;
    case Verdict::kFail:
      return 1;
    case Verdict::kInvalid:
      return 3;
    case Verdict::kAborted:
      return 4;
  }
  std::abort();
}

std::string ValueText(Measure measure, std::int64_t value) {
  if (!InfoOf(measure).is_time) return fmt::format("{}", value);
  return value == kNever ? "never" : DurationText(value / sys::kMicrosecond * sys::kMicrosecond);
}

std::vector<std::optional<sys::Nanos>> DelaysOf(const RunRecord& run,
                                                std::optional<sys::Nanos> Timeline::*event) {
  std::vector<std::optional<sys::Nanos>> delays;
  for (const FaultRecord& fault : run.faults) {
    const Timeline& timeline = fault.timeline;
    if (!fault.killed() || fault.hit_program() || !fault.worker->slot) continue;
    if (timeline.*event) {
      delays.push_back(*(timeline.*event) - *timeline.dead);
    } else if (!timeline.superseded && *timeline.dead + kTimeToAnswer < run.load_end) {
      delays.push_back(std::nullopt);
    }
  }
  return delays;
}

std::vector<sys::Nanos> ReapsOf(const RunRecord& run) {
  std::vector<sys::Nanos> reaps;
  for (const FaultRecord& fault : run.faults) {
    if (fault.killed() && fault.timeline.reaped)
      reaps.push_back(*fault.timeline.reaped - *fault.timeline.dead);
  }
  return reaps;
}

Judgement Judge(const RunRecord& run, const Expectations& expected) {
  Judgement judgement;
  const RunRecord at_best = OnRunningClock(run);
  judgement.attribution = Attribute(at_best);
  judgement.measured = MeasuresOf(run, judgement.attribution);
  if (run.interrupted || !run.breach.empty()) {
    judgement.verdict = Verdict::kAborted;
    judgement.reasons = {run.breach.empty() ? "interrupted" : run.breach};
    return judgement;
  }
  const auto invalid = WhyInvalid(run, expected, judgement.measured, judgement.attribution);
  const auto measured_at_best = MeasuresOf(at_best, judgement.attribution);
  bool failed = !run.problems.empty();
  bool unproved = !invalid.empty();
  judgement.reasons = run.problems;
  for (const auto& [measure, limit] : expected) {
    const auto value = judgement.measured.find(measure);
    if (value == judgement.measured.end() || value->second <= limit) continue;
    const MeasureInfo& info = InfoOf(measure);
    std::string why =
        fmt::format("{}: {}, at most {} expected{}", info.words, ValueText(measure, value->second),
                    ValueText(measure, limit), Detail(measure, run, judgement.attribution));
    if (info.is_time && MayBeWithin(limit, measure, measured_at_best)) {
      unproved = true;
      why += fmt::format(
          "; not proved, for this machine stood still for {}",
          DurationText(RunningClock(run.standstills).stood_still() / sys::kMillisecond * sys::kMillisecond));
    } else if (!info.is_time || invalid.empty()) {
      failed = true;
    }
    judgement.reasons.push_back(std::move(why));
  }
  judgement.reasons.insert(judgement.reasons.end(), invalid.begin(), invalid.end());
  if (failed) {
    judgement.verdict = Verdict::kFail;
  } else if (unproved) {
    judgement.verdict = Verdict::kInvalid;
  }
  return judgement;
}

}  // namespace hydrapool::harness
