#include "pool/shared/recycling.h"

namespace hydrapool {
namespace {

constexpr double kSpread = 0.1;

template <typename N>
bool Reached(N value, N limit, double lot) {
  return limit != 0 && static_cast<double>(value) >= static_cast<double>(limit) * (1 + kSpread * lot);
}

}  // namespace

RecycleCause WhyRecycle(const WorkerWear& wear, const Recycling& rules) {
  if (wear.surplus) return RecycleCause::kSurplus;
  if (wear.outdated) return RecycleCause::kOutdated;
  if (Reached(wear.requests, rules.requests, wear.lot)) return RecycleCause::kRequests;
  if (Reached(wear.memory, rules.memory, 0)) return RecycleCause::kMemory;
  if (Reached(wear.age, rules.age, wear.lot)) return RecycleCause::kAge;
  return RecycleCause::kNone;
}

const char* Describe(RecycleCause cause) {
  switch (cause) {
    case RecycleCause::kNone:
      break;
    case RecycleCause::kSurplus:
      return "leaves: fewer workers are wanted";
    case RecycleCause::kOutdated:
      return "is replaced: a new program serves";
    case RecycleCause::kRequests:
      return "is replaced: it has answered its requests";
    case RecycleCause::kMemory:
      return "is replaced: its memory has grown";
    case RecycleCause::kAge:
      return "is replaced: its age";
  }
  return "stays";
}

}  // namespace hydrapool
