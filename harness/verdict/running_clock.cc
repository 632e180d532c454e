#include "harness/verdict/running_clock.h"

#include <algorithm>
#include <optional>

namespace hydrapool::harness {

RunningClock::RunningClock(std::span<const Standstill> standstills) {
  sys::Nanos sum = 0;
  for (const Standstill& each : standstills) {
    stops_.push_back({.span = each, .before = sum});
    sum += each.to - each.from;
  }
}

sys::Nanos RunningClock::operator()(sys::Nanos at) const {
  const auto next = std::ranges::upper_bound(stops_, at, {}, [](const Stop& stop) { return stop.span.from; });
  if (next == stops_.begin()) return at;
  const Stop& last = *(next - 1);
  return at - last.before - (std::min(at, last.span.to) - last.span.from);
}

sys::Nanos RunningClock::stood_still() const {
  return stops_.empty() ? 0 : stops_.back().before + stops_.back().span.to - stops_.back().span.from;
}

RunRecord OnRunningClock(RunRecord run) {
  const RunningClock clock(run.standstills);
  const auto set = [&clock](sys::Nanos& at) { at = clock(at); };
  const auto set_if = [&](std::optional<sys::Nanos>& at) {
    if (at) set(*at);
  };
  set(run.start);
  set(run.load_end);
  for (FaultRecord& fault : run.faults) {
    Timeline& timeline = fault.timeline;
    set(fault.at);
    for (auto* each : {&fault.undone, &fault.renewed, &timeline.dead, &timeline.reaped, &timeline.forked,
                       &timeline.ready, &timeline.first_response})
      set_if(*each);
  }
  for (Failure& failure : run.failures) {
    set(failure.sent);
    set(failure.end);
  }
  if (run.pool.fates) {
    set(run.pool.fates->complete_since);
    for (PoolFate& fate : run.pool.fates->fates) set(fate.at);
  }
  for (LoadRecord& load : run.loads) {
    if (load.response_p99)
      *load.response_p99 = std::max<sys::Nanos>(*load.response_p99 - clock.stood_still(), 0);
  }
  run.standstills.clear();
  return run;
}

}  // namespace hydrapool::harness
