#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>

#include "loadgen/stats/connection_counts.h"
#include "loadgen/stats/first_responses.h"
#include "loadgen/stats/latency_histogram.h"
#include "loadgen/stats/latency_parts.h"
#include "loadgen/stats/outcome.h"
#include "loadgen/stats/outcome_counts.h"
#include "loadgen/stats/phases.h"
#include "loadgen/stats/session_counts.h"
#include "loadgen/stats/target_counts.h"
#include "loadgen/stats/worker_counts.h"
#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// One request under way, as an engine keeps it.
struct Attempt {
  std::uint64_t turn = 0;  ///< Its number in the run.
  std::size_t url = 0;     ///< Which of the plan's.
  sys::Nanos due = 0;
  sys::Nanos free_since = 0;  ///< Since when its connection had waited for it.
  sys::Nanos sent = 0;        ///< When it was handed to a connection, which may still have had to be made.
  bool follows = false;  ///< A later request of a session: due by the one before it, not by the schedule.
};

/// How one request ended.
struct Result {
  Outcome outcome = Outcome::kOther;
  sys::Nanos end = 0;
  int status = 0;                ///< 0 where no response began.
  std::uint64_t bytes = 0;       ///< Of the response: head and body as decoded.
  int local_port = 0;            ///< 0 where there was no connection.
  std::string_view worker = {};  ///< The worker header's value; empty where there was none.
  std::string_view detail = {};  ///< For people: why it failed.
  Phases phases = {};
  /// How the response began, where its status was not expected and its connection had not told it before.
  std::string_view head = {};
  std::string_view body = {};
};

/// What a run has seen so far: a value that merges.
///
///   sent = completed + failed + in flight at the end, and each histogram's `count` is that too, always.
///
/// Latencies: *response* from due to end, *service* from sent to end, *lag* from due to sent; *own lag* is
/// the part of the lag that is the generator's fault: from when the request was due and a connection free.
/// Every attempt counts, failed ones too; those in flight at the end with the age they had then, a lower
/// bound. `parts` has them by what became of the request.
///
/// Memory is constant.
/// Not for several threads: each has its own Tally, and they are merged at the end.
class Tally {
 public:
  void Sent(const Attempt& attempt, bool in_time);
  void Finished(const Attempt& attempt, const Result& result);
  void InFlightAtEnd(const Attempt& attempt, sys::Nanos now);
  void Merge(const Tally& other);
  /// Where all requests are of one kind: makes `targets` of the whole, once, at the end.
  void CloseOneTarget();

  /// When things happened.
  struct Timing {
    sys::Nanos last_sent = 0;
    std::uint64_t completed_at_last_sent = 0;  ///< How many had completed when the last one was sent.
    sys::Nanos last_end = 0;                   ///< When the last request ended.
    sys::Nanos longest_pause = 0;              ///< For how long its thread did not run at all (recorder.h).

    void Merge(const Timing& other);
  };

  /// Of all requests.
  struct Latencies {
    LatencyHistogram response = {};
    LatencyHistogram service = {};
    LatencyHistogram lag = {};
    LatencyHistogram own_lag = {};

    void Merge(const Latencies& other);
  };

  std::uint64_t sent = 0;
  /// Of those that the schedule made due: not later than its planned end (recorder.h).
  std::uint64_t sent_in_time = 0;
  std::uint64_t begun_never_left = 0;  ///< Of what the schedule made due: no local port or descriptor.
  std::uint64_t follow_ups = 0;        ///< Of those sent, later requests of sessions: due by no schedule.
  std::uint64_t in_flight_at_end = 0;
  std::uint64_t saturated = 0;  ///< Were due while all connections were busy (plan.h, Saturate).
  std::uint64_t bytes_received = 0;
  Timing timing = {};
  ConnectionCounts connections = {};  ///< Those of the warm-up too.
  Latencies latency = {};
  LatencyParts parts;
  TargetList targets;       ///< By URL.
  bool one_target = false;  ///< All requests are of one kind: nothing is counted twice (CloseOneTarget).
  /// How long each part took, of the requests in which there was one (phases.h); `body` of completed ones.
  std::array<LatencyHistogram, kPhases> phases;
  OutcomeCounts outcomes;
  std::map<int, std::uint64_t> status;  ///< Of completed requests.
  FirstResponses first_responses;       ///< Of each status that was not expected.
  WorkersBySlot workers;
  SessionCounts sessions;

 private:
  void CountPhases(std::size_t url, const Result& result);
};

}  // namespace hydrapool::loadgen
