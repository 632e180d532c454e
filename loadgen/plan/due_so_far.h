#pragma once

#include <cstdint>
#include <vector>

#include "loadgen/plan/agenda.h"
#include "loadgen/plan/plan.h"
#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// How much a run's schedule has made due so far, of what counts: the arrivals themselves (Poisson arrivals
/// scatter around the rate), asked of agendas of its own. In a closed loop nothing is due.
///
///     DueSoFar due(plan, run.start());
///     due.By(sys::Now())
class DueSoFar {
 public:
  /// `start` is when what counts begins. All threads' share of this process.
  DueSoFar(const Plan& plan, sys::Nanos start) {
    if (!plan.arrivals.rate) return;
    for (int i = 0; i < plan.threads; ++i) agendas_.emplace_back(plan, i, start - plan.arrivals.warmup);
  }

  /// Before `now` or at it. To be asked of later and later times.
  std::uint64_t By(sys::Nanos now) {
    for (auto& agenda : agendas_) due_ += agenda.Skip(now);
    return due_;
  }

 private:
  std::vector<Agenda> agendas_;
  std::uint64_t due_ = 0;
};

}  // namespace hydrapool::loadgen
