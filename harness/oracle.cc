#include "harness/oracle.h"

#include <algorithm>
#include <limits>

namespace harness {
namespace {

constexpr sys::Nanos kAfterglow = 100 * sys::kMillisecond;

sys::Nanos ReachOf(const FaultRecord& fault) {
  const Timeline& timeline = fault.timeline;
  if (!timeline.dead) return std::numeric_limits<sys::Nanos>::max();
  return std::max(*timeline.dead + kAfterglow, timeline.ready.value_or(0));
}

bool Explains(const FaultRecord& fault, const Failure& failure) {
  if (fault.outcome == Outcome::kMissed) return false;
  if (fault.at > failure.end || ReachOf(fault) < failure.sent) return false;
  const bool both_known = failure.slot && fault.worker && fault.worker->slot;
  return !both_known || *failure.slot == *fault.worker->slot;
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

std::optional<std::size_t> Explain(const Failure& failure, std::span<const FaultRecord> faults) {
  if (failure.kind == FailureKind::kRefused) return std::nullopt;
  std::optional<std::size_t> latest;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    if (Explains(faults[i], failure) && (!latest || faults[i].at >= faults[*latest].at)) latest = i;
  }
  return latest;
}

Attribution Attribute(std::span<const Failure> failures, std::span<const FaultRecord> faults) {
  Attribution attribution;
  attribution.by_fault.resize(faults.size());
  for (std::size_t i = 0; i < failures.size(); ++i) {
    if (const auto fault = Explain(failures[i], faults)) {
      Count(failures[i].kind, attribution.by_fault[*fault]);
    } else {
      attribution.unexplained.push_back(i);
    }
  }
  return attribution;
}

}  // namespace harness
