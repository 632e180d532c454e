#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <utility>
#include <vector>

#include "loadgen/engine/raw/engine.h"
#include "loadgen/engine/step_rules.h"

namespace hydrapool::loadgen {

/// The raw engine where the plan has a scenario: a connection is taken for a session as a whole.
///
///   free → (an arrival) → request → [think → request] … → free
///
/// Arrivals are of sessions or of requests (scenario.h). Latencies count from when a request was due: the
/// first of a session by the schedule, a later one from the answer before it and its think time, or, where
/// requests arrive, each by the schedule. A session that meets the run's end is cut: what it would have sent
/// is not scheduled. A think time behind the last request keeps the connection from the next session.
///
/// The connection goes on to the next session, unless the plan says otherwise. Between requests nothing is
/// allocated but values and what is looked into (step_rules.h).
class SessionEngine final : public RawEngine {
 public:
  /// As RawEngine; the plan has a scenario.
  SessionEngine(const Plan& plan, int connections, const StopSignal& stop);

  /// An EngineFactory.
  static std::unique_ptr<Engine> Make(const Plan& plan, int connections, const StopSignal& stop);

 private:
  bool SendNext(sys::Nanos now) override;
  void EndRest(sys::Nanos since) override;
  [[nodiscard]] bool HasFreeConnection() const override { return !closed_.empty() || !ready_.empty(); }
  [[nodiscard]] bool HasUnfinished(sys::Nanos now) const override;
  [[nodiscard]] sys::Nanos OwnDeadline() const override;
  void OnWakeUp() override;
  void Settle(Slot& slot, const Result& result) override;
  void OnIdleEnd(Slot& /*slot*/) override {}
  void CountOpen(sys::Nanos now) override;

  [[nodiscard]] Result Judge(Slot& slot, const Result& result);
  void SendStep(Slots& from, Slot& slot, sys::Nanos due, sys::Nanos now, bool follows);
  void GoOn(Slot& slot, sys::Nanos now);
  void Wake(Slot& slot, sys::Nanos now);
  void Free(Slot& slot, sys::Nanos now);

  const Scenario& scenario_;
  std::vector<StepRules> rules_;  // as the plan's targets
  Slots thinking_;                // or about to go on
  Slots resting_;                 // behind a connection that could not be made, the longest first
  Slots ready_;                   // for a request's arrival, the longest first
  using Due = std::pair<sys::Nanos, Slot*>;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> wake_ups_;  // of those in thinking_
  std::string detail_;
};

}  // namespace hydrapool::loadgen
