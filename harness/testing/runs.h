#pragma once

#include "harness/observe/run_record.h"
#include "harness/verdict/expectations.h"

/// Runs as literals, for tests of what is made of them.
namespace hydrapool::harness {

inline constexpr sys::Nanos kMs = sys::kMillisecond;

inline FaultRecord Kill(std::uint64_t id, sys::Nanos at, int slot, std::int64_t busy = 0) {
  return {.id = id,
          .at = at,
          .worker = ProcessView{.identity = {.pid = 100 + slot, .start_time = 1}, .slot = slot, .busy = busy},
          .outcome = Outcome::kDead,
          .proof = Proof::kConfirmed,
          .timeline = {.dead = at + kMs,
                       .reaped = at + 2 * kMs,
                       .forked = at + 2 * kMs,
                       .ready = at + 3 * kMs,
                       .first_response = at + 11 * kMs}};
}

/// Two kills, one of a busy worker; nothing failed.
inline RunRecord GoodRun() {
  return {.start = 0,
          .load_end = 10 * sys::kSecond,
          .before = ServerState{.workers = 4, .descriptors = 20},
          .after = ServerState{.workers = 4, .descriptors = 20},
          .fault_lines = {"kill of random"},
          .faults = {Kill(1, 1000 * kMs, 0, 1), Kill(2, 2000 * kMs, 1)},
          .loads = {{.url = "http://h/", .sent = 1000, .ok = 1000, .rate = 100, .service_mean = kMs}},
          .resting = {.count = 16, .answered = 16},
          .pool = {.totals = PoolStatus::Totals{.rescued = 5}}};
}

inline Failure LostAt(sys::Nanos at) {
  return {.sent = at, .end = at + kMs, .what = "reset", .url = "http://h/"};
}

/// What GoodRun() holds.
inline Expectations Strict() {
  Expectations expected = DefaultExpectations();
  expected[Measure::kLost] = expected[Measure::kCut] = expected[Measure::kAbandoned] = 0;
  expected[Measure::kIdleLost] = 0;
  expected[Measure::kReadyP99] = expected[Measure::kRecoveryP99] = 50 * kMs;
  return expected;
}

}  // namespace hydrapool::harness
