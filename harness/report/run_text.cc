#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/fault/duration.h"
#include "harness/fault/inject_record.h"
#include "harness/observe/observer.h"
#include "harness/report/run_report.h"
#include "harness/report/wrapped.h"

namespace hydrapool::harness {
namespace {

struct FaultCounts {
  std::uint64_t landed = 0;
  std::uint64_t busy = 0;
  std::uint64_t missed = 0;
  std::uint64_t survived = 0;
  std::uint64_t killed = 0;
  std::map<Proof, std::uint64_t> proofs = {};
};

FaultCounts CountFaults(const RunRecord& run) {
  FaultCounts counts;
  for (const FaultRecord& fault : run.faults) {
    counts.landed += fault.landed() ? 1 : 0;
    counts.busy += fault.hit_busy_worker() ? 1 : 0;
    counts.missed += fault.outcome == Outcome::kMissed ? 1 : 0;
    counts.killed += fault.killed() ? 1 : 0;
    ++counts.proofs[fault.proof];
    counts.survived += fault.outcome == Outcome::kAlive ? 1 : 0;
  }
  return counts;
}

std::string Quantiles(const std::vector<sys::Nanos>& values) {
  const auto text = [&values](double p) {
    return fmt::format("{:.2f} ms", static_cast<double>(*Percentile(values, p)) / 1e6);
  };
  if (values.empty()) return "not seen";
  return fmt::format("p50 {}, p99 {}, max {}", text(50), text(99), text(100));
}

std::vector<sys::Nanos> After(const RunRecord& run, std::optional<sys::Nanos> Timeline::*event,
                              sys::Nanos (*since)(const FaultRecord&)) {
  std::vector<sys::Nanos> values;
  for (const FaultRecord& fault : run.faults) {
    if (!fault.killed() || !(fault.timeline.*event)) continue;
    // A server may replace a worker that was told to leave before that worker is dead.
    values.push_back(std::max<sys::Nanos>(*(fault.timeline.*event) - since(fault), 0));
  }
  return values;
}

sys::Nanos SentAt(const FaultRecord& fault) { return fault.at; }
sys::Nanos DeadAt(const FaultRecord& fault) { return *fault.timeline.dead; }

/// What the workers of failed requests were doing when they died; nothing where nobody knows.
std::string PhaseLine(const Attribution& attribution) {
  std::string text;
  for (const auto& [phase, count] : attribution.by_phase)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, phase);
  return text.empty() ? "" : fmt::format("  failed     {} (the pool's own account)\n", text);
}

/// Nothing where every fault did what it should.
std::string ProofLine(const RunRecord& run, std::map<Proof, std::uint64_t> proofs) {
  if (proofs[Proof::kMismatched] + proofs[Proof::kUnproved] == 0) return "";
  std::string why;
  for (const FaultRecord& fault : run.faults) {
    if (why.empty() && fault.proof == Proof::kMismatched)
      why = fmt::format(" (the first, {} of pid {}: {})", Name(fault.fault), fault.worker->identity.pid,
                        fault.reason);
  }
  return fmt::format("  proofs     {} confirmed, {} mismatched{}, {} unproved\n", proofs[Proof::kConfirmed],
                     proofs[Proof::kMismatched], why, proofs[Proof::kUnproved]);
}

/// Nothing where no fault was of a phase.
std::string PhaseHitLine(const RunRecord& run) {
  InjectSummary::PhaseHits hits;
  bool any = false;
  for (const FaultRecord& fault : run.faults) {
    if (!fault.phase || !fault.landed()) continue;
    hits.Add(fault.hit_phase);
    any = true;
  }
  return any ? fmt::format("  phases     {} (the pool's own account)\n", PhaseHitsText(hits)) : "";
}

std::string FaultLines(const RunRecord& run, const Attribution& attribution) {
  const FaultCounts counts = CountFaults(run);
  const std::string busy = run.pool.totals ? fmt::format(" ({} on a busy worker)", counts.busy) : "";
  std::string text = fmt::format("  faults     {} landed{}, {} missed, {} survived\n", counts.landed, busy,
                                 counts.missed, counts.survived);
  text += ProofLine(run, counts.proofs);
  text += PhaseHitLine(run);
  if (counts.landed == 0) return text;
  std::uint64_t hurt = 0;
  for (const Damage& damage : attribution.by_fault) hurt += damage.lost + damage.cut + damage.abandoned;
  text += fmt::format("  each cost  {:.2f} requests\n",
                      static_cast<double>(hurt) / static_cast<double>(counts.landed));
  text += PhaseLine(attribution);
  if (counts.killed == 0) return text;
  text += fmt::format("  dead       {} after the signal (pidfd)\n",
                      Quantiles(After(run, &Timeline::dead, SentAt)));
  text += fmt::format("  reaped     {} after the death (± {})\n",
                      Quantiles(After(run, &Timeline::reaped, DeadAt)), DurationText(ObserverPace{}.family));
  const auto unobserved =
      std::ranges::count_if(run.faults, [](const FaultRecord& fault) { return fault.timeline.unobserved; });
  text += fmt::format("  replaced   {} after the death (± {}){}\n",
                      Quantiles(After(run, &Timeline::forked, DeadAt)), DurationText(ObserverPace{}.family),
                      unobserved > 0 ? fmt::format("; {} unobserved", unobserved) : "");
  if (!run.pool.totals) return text;
  text += fmt::format("  ready      {} after the death (± {})\n",
                      Quantiles(After(run, &Timeline::ready, DeadAt)), DurationText(ObserverPace{}.status));
  text += fmt::format("  answering  {} after the death (± {})\n",
                      Quantiles(After(run, &Timeline::first_response, DeadAt)),
                      DurationText(ObserverPace{}.answers));
  return text;
}

std::string NeverSent(const LoadRecord& load) {
  return load.unsent == 0 ? "" : fmt::format(", {} of {} never sent", load.unsent, load.sent + load.unsent);
}

std::string NeverRested(const RestingConnections& resting) {
  if (resting.answered >= resting.count) return "";
  return fmt::format("; {} never had an answer", resting.count - resting.answered);
}

std::string RequestLines(const RunRecord& run, const Judgement& judgement) {
  const auto of = [&judgement](Measure measure) { return judgement.measured.at(measure); };
  std::uint64_t sent = 0;
  std::uint64_t ok = 0;
  std::string loads;
  for (const LoadRecord& load : run.loads) {
    sent += load.sent;
    ok += load.ok;
    loads += fmt::format("  load       {}: {:.0f}/s{}{}{}\n", load.url, load.rate,
                         load.response_p99 ? fmt::format(", p99 {:.2f} ms from when due",
                                                         static_cast<double>(*load.response_p99) / 1e6)
                                           : "",
                         NeverSent(load), load.client.empty() ? "" : ", " + load.client);
  }
  std::string text =
      fmt::format("  requests   {} sent, {} ok, {} lost, {} cut, {} abandoned; {} unexplained\n", sent, ok,
                  of(Measure::kLost), of(Measure::kCut), of(Measure::kAbandoned), of(Measure::kUnexplained));
  if (run.ids.checked > 0)
    text += fmt::format("  exactly 1  {} with an id of their own: {} answered twice, {} wrongly\n",
                        run.ids.checked, run.ids.duplicated, run.ids.wrong);
  if (run.resting.count > 0 && run.resting.kept)
    text += fmt::format("  idle       {} connections, {} lost{}\n", run.resting.count, run.resting.lost,
                        NeverRested(run.resting));
  if (run.pool.totals)
    text += fmt::format("  rescued    {}, {} of them in flight (the pool's own count)\n",
                        run.pool.totals->rescued, run.pool.totals->rescued_in_flight);
  for (const std::string& note : run.notes) loads += fmt::format("  note       {}\n", note);
  return text + loads;
}

}  // namespace

std::string RunText(const RunTitle& title, const RunRecord& run, const Judgement& judgement,
                    std::optional<std::size_t> columns) {
  std::string text = title.name + (title.proves.empty() ? "" : ": " + title.proves) + "\n\n";
  text += RequestLines(run, judgement);
  if (!run.fault_lines.empty()) text += FaultLines(run, judgement.attribution);
  text += fmt::format("\n  {}\n", Name(judgement.verdict));
  for (const std::string& reason : judgement.reasons) text += fmt::format("    {}\n", reason);
  if (columns) text = Wrapped(text, *columns);
  text += fmt::format("  again      {}\n", title.replay);
  if (!title.evidence.empty()) text += fmt::format("  look at    {}\n", title.evidence);
  return text;
}

}  // namespace hydrapool::harness
