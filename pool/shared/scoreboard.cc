#include "pool/shared/scoreboard.h"

#include <algorithm>

#include "pool/sys/child.h"

namespace hydrapool {

void DurationHistogram::Observe(sys::Nanos duration) {
  duration = std::max<sys::Nanos>(duration, 0);
  const auto bound = std::ranges::lower_bound(kBounds, duration);
  counts_[static_cast<std::size_t>(bound - kBounds.begin())].Add();
  sum_.Add(static_cast<std::uint64_t>(duration));
}

std::uint64_t DurationHistogram::total() const {
  std::uint64_t sum = 0;
  for (const Counter& bucket : counts_) sum += bucket.value();
  return sum;
}

std::string_view WorkerStateName(WorkerState state) {
  switch (state) {
    case WorkerState::kDead:
      return "dead";
    case WorkerState::kStarting:
      return "starting";
    case WorkerState::kReady:
      return "ready";
    case WorkerState::kDraining:
      return "draining";
  }
  return "?";
}

std::uint64_t WorkerSlot::requests() const {
  std::uint64_t sum = 0;
  for (const Counter& replies_of_class : replies) sum += replies_of_class.value();
  return sum;
}

std::size_t ExitCause(int signal, int code) {
  if (signal == 0) return code == 0 ? 0 : 1;
  const auto name = std::ranges::find(kExitCauses, sys::SignalName(signal));
  return name == kExitCauses.end() ? kExitCauses.size() - 1
                                   : static_cast<std::size_t>(name - kExitCauses.begin());
}

}  // namespace hydrapool
