#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "loadgen/plan/pace.h"
#include "loadgen/plan/plan.h"
#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// One request as the agenda hands it out.
struct Arrival {
  std::uint64_t turn = 0;  ///< Its number in the run; no other request of any replica has it.
  std::size_t url = 0;     ///< Which of the plan's; where there is a scenario, which of its sessions.
  sys::Nanos due = 0;
};

/// What one thread has to send, and when.
///
///     while (a connection is free) {
///       auto arrival = agenda.Take(sys::Now(), free_since);
///       if (!arrival) break;
///       ... send ...
///     }
///     ... wait until agenda.NextDue() or a response ...
///
/// The threads of a run share nothing, and neither do its replicas. Of constant arrivals replica r of n takes
/// the numbers r, r + n, …, and of these thread i of t the i-th, (i + t)-th, …, so together they make the
/// schedule whole, however many threads each replica has; of Poisson arrivals each has its part of the rate
/// and a stream of its own. URLs with rates have a schedule each. A request that is due while no connection
/// is free waits here, at no cost in memory: what waits is a difference of indices. Due times before the end
/// that were not taken by then are *unsent*. What is due before the warm-up's end is handed out, and not
/// counted.
///
/// Pure: time comes in. One thread's, until that thread has ended.
class Agenda {
 public:
  static constexpr sys::Nanos kNever = std::numeric_limits<sys::Nanos>::max();

  /// The share of thread `index` of plan.threads in a run that begins at `start`.
  Agenda(const Plan& plan, int index, sys::Nanos start);

  /// The next request, if one is due and the run is not over. In a closed loop a request is due when its
  /// connection is: `free_since`. In an open loop what was due before the end, with a connection free before
  /// the end, is handed out even to a thread that woke up a little later.
  std::optional<Arrival> Take(sys::Nanos now, sys::Nanos free_since);

  /// Which session a request begins where requests arrive and not sessions (scenario.h): they take turns by
  /// weight, however many requests each has.
  std::size_t BeginSession() { return rotation_[(first_ + begun_++) % rotation_.size()]; }

  /// The URL of the request that Take will hand out next.
  [[nodiscard]] std::size_t next_url() const;

  /// When Take will next have something for a free connection (in the past: it has now); kNever: not again.
  [[nodiscard]] sys::Nanos NextDue() const;

  /// When its first request may be due.
  [[nodiscard]] sys::Nanos start() const { return start_; }
  /// From when on nothing is sent any more: kNever where only a number of requests ends the run.
  [[nodiscard]] sys::Nanos end() const { return end_; }

  /// When the last request is to be sent if all goes to plan (of a number of Poisson arrivals: by when it is,
  /// for all but one seed in a million); kNever for a number of requests in a closed loop.
  [[nodiscard]] sys::Nanos planned_end() const { return planned_end_; }

  /// Ends the run early: what is due later is no longer scheduled.
  void Stop(sys::Nanos now);

  /// Passes over what is due by `now` and before the end. Returns how much of it would have counted.
  std::uint64_t Skip(sys::Nanos now);

  /// How many requests were to be sent: in an open loop those due before the end, in a closed loop those
  /// taken. Without the warm-up's.
  [[nodiscard]] std::uint64_t Scheduled() const;

 private:
  void AddStreams(const Plan& plan);
  void FindNext();
  [[nodiscard]] sys::Nanos PlannedEnd(const Plan& plan) const;
  void Advance();
  [[nodiscard]] std::uint64_t Waiting(sys::Nanos before) const;
  [[nodiscard]] std::uint64_t GlobalIndex(std::uint64_t own) const { return first_ + own * stride_; }
  [[nodiscard]] bool open_loop() const { return !streams_.empty(); }

  std::uint64_t first_;
  std::uint64_t stride_;
  std::shared_ptr<const Replay> replay_;
  std::uint64_t limit_;  // how many requests this thread sends at most
  sys::Nanos start_;
  sys::Nanos counted_from_;
  sys::Nanos end_;
  std::vector<Pace> streams_;          // one, or one for each URL; none in a closed loop
  std::vector<std::size_t> rotation_;  // of URLs, where there is not a stream for each
  std::size_t next_ = 0;               // the stream that is due first
  std::uint64_t position_ = 0;         // of the next request among this thread's
  std::uint64_t begun_ = 0;            // sessions, by BeginSession
  std::uint64_t warm_ = 0;             // how many of those before it belonged to the warm-up
  sys::Nanos planned_end_ = kNever;
};

}  // namespace hydrapool::loadgen
