#include "harness/verdict/oracle.h"

#include <algorithm>
#include <limits>

namespace hydrapool::harness {
namespace {

constexpr sys::Nanos kAfterglow = 100 * sys::kMillisecond;
constexpr sys::Nanos kNotYetSeen = sys::kSecond;

sys::Nanos ReachOf(const FaultRecord& fault) {
  const Timeline& timeline = fault.timeline;
  if (fault.outcome == Outcome::kHeld) return fault.undone.value_or(fault.at) + kAfterglow;
  if (fault.outcome == Outcome::kRenewed) return fault.renewed.value_or(fault.at) + kAfterglow;
  if (fault.outcome == Outcome::kDelivered) return fault.at + kAfterglow;
  if (!timeline.dead) return std::numeric_limits<sys::Nanos>::max();
  return std::max(*timeline.dead + kAfterglow, timeline.ready.value_or(0));
}

bool HasEndedItsConnection(const FaultRecord& fault, const Failure& failure) {
  const bool in_time = fault.at <= failure.end && failure.sent <= fault.at + kNotYetSeen;
  return failure.port != 0 && in_time && std::ranges::count(fault.ended_ports, failure.port) > 0;
}

bool Explains(const FaultRecord& fault, const Failure& failure) {
  if (fault.outcome == Outcome::kMissed || !fault.ended_ports.empty()) return false;
  if (fault.at > failure.end || ReachOf(fault) < failure.sent) return false;
  // Its client is told so, or its answer breaks off; the connection may be another worker's by then.
  if (fault.hit_program())
    return failure.kind == FailureKind::kAbandoned || failure.kind == FailureKind::kCut;
  const bool both_known = failure.slot && fault.worker && fault.worker->slot;
  return !both_known || *failure.slot == *fault.worker->slot;
}

const PoolFate* FateOf(const Failure& failure, const PoolFates& fates) {
  const PoolFate* last = nullptr;
  for (const PoolFate& fate : fates.fates) {
    const bool ended = fate.fate == "lost" || fate.fate == "cut";
    const sys::Nanos since = failure.sent - (ended ? kNotYetSeen : 0);
    if (fate.port == failure.port && fate.at >= since && fate.at <= failure.end) last = &fate;
  }
  return last;
}

template <typename Predicate>
std::optional<Explanation> Latest(std::span<const FaultRecord> faults, Predicate accounts,
                                  const std::string& phase) {
  std::optional<std::size_t> latest;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    if (accounts(faults[i]) && (!latest || faults[i].at >= faults[*latest].at)) latest = i;
  }
  if (!latest) return std::nullopt;
  return Explanation{.fault = *latest, .phase = phase};
}

void Count(FailureKind kind, Damage& damage) {
  switch (kind) {
    case FailureKind::kLost:
      ++damage.lost;
      break;
    case FailureKind::kCut:
      ++damage.cut;
      break;
    case FailureKind::kAbandoned:
      ++damage.abandoned;
      break;
    case FailureKind::kRefused:
      break;
  }
}

}  // namespace

std::string_view Name(FailureKind kind) {
  switch (kind) {
    case FailureKind::kLost:
      return "lost";
    case FailureKind::kCut:
      return "cut";
    case FailureKind::kAbandoned:
      return "abandoned";
    case FailureKind::kRefused:
      return "refused";
  }
  std::abort();
}

std::optional<Explanation> Explain(const Failure& failure, std::span<const FaultRecord> faults,
                                   const std::optional<PoolFates>& fates) {
  if (failure.kind == FailureKind::kRefused) return std::nullopt;
  const auto ended_it = [&failure](const FaultRecord& fault) {
    return HasEndedItsConnection(fault, failure);
  };
  if (auto explanation = Latest(faults, ended_it, "")) return explanation;
  const auto in_time = [&failure](const FaultRecord& fault) { return Explains(fault, failure); };
  if (!fates || failure.end < fates->complete_since) return Latest(faults, in_time, "");
  const PoolFate* fate = FateOf(failure, *fates);
  if (fate == nullptr) {
    const auto no_death = [&](const FaultRecord& fault) {
      const bool starved = failure.kind == FailureKind::kAbandoned && Starves(fault.fault);
      return in_time(fault) && (starved || fault.fault == Fault::kNetwork || fault.hit_program());
    };
    return Latest(faults, no_death, "");
  }
  if (!fate->pid) return Latest(faults, in_time, fate->phase);
  const auto its_death = [fate](const FaultRecord& fault) {
    return fault.outcome != Outcome::kMissed && fault.worker->identity.pid == *fate->pid &&
           fault.at <= fate->at;
  };
  return Latest(faults, its_death, fate->phase);
}

Attribution Attribute(const RunRecord& run) {
  Attribution attribution;
  attribution.by_fault.resize(run.faults.size());
  for (std::size_t i = 0; i < run.failures.size(); ++i) {
    const auto& explanation =
        attribution.by_failure.emplace_back(Explain(run.failures[i], run.faults, run.pool.fates));
    if (explanation) {
      Count(run.failures[i].kind, attribution.by_fault[explanation->fault]);
      if (!explanation->phase.empty()) ++attribution.by_phase[explanation->phase];
    } else {
      attribution.unexplained.push_back(i);
    }
  }
  return attribution;
}

}  // namespace hydrapool::harness
