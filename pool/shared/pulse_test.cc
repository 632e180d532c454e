#include "pool/shared/pulse.h"

#include <gtest/gtest.h>

namespace hydrapool {
namespace {

constexpr sys::Nanos kNow = 100 * sys::kSecond;
constexpr sys::Nanos Ago(sys::Nanos tenths) { return kNow - tenths * 100 * sys::kMillisecond; }

struct Case {
  const char* what;
  Pulse pulse;
  sys::Nanos stall_timeout;
  Vitality expected;
};

TEST(PulseTest, IsJudgedByWhatTheWorkerOwesAndHowLongItHasBeenSilent) {
  const Case cases[] = {
      {"nothing to do, comes round once a second",
       {.beat = Ago(19), .owing_since = 0},
       5 * sys::kSecond,
       Vitality::kWell},
      {"nothing to do, a second late",
       {.beat = Ago(20), .owing_since = 0},
       5 * sys::kSecond,
       Vitality::kLate},
      {"nothing to do, late for the time-out",
       {.beat = Ago(60), .owing_since = 0},
       5 * sys::kSecond,
       Vitality::kStalled},
      {"silent as long as nobody looked",
       {.beat = Ago(900), .owing_since = Ago(900), .watched_since = Ago(1)},
       5 * sys::kSecond,
       Vitality::kWell},
      {"silent ever since somebody looks again",
       {.beat = Ago(900), .owing_since = Ago(900), .watched_since = Ago(50)},
       5 * sys::kSecond,
       Vitality::kStalled},
      {"comes round", {.beat = Ago(2), .owing_since = Ago(900)}, 5 * sys::kSecond, Vitality::kWell},
      {"was idle, just given something",
       {.beat = Ago(900), .owing_since = Ago(1)},
       5 * sys::kSecond,
       Vitality::kWell},
      {"silent for a second", {.beat = Ago(10), .owing_since = Ago(900)}, 5 * sys::kSecond, Vitality::kLate},
      {"never took what it was given",
       {.beat = 0, .owing_since = Ago(10)},
       5 * sys::kSecond,
       Vitality::kLate},
      {"silent for the time-out",
       {.beat = Ago(50), .owing_since = Ago(900)},
       5 * sys::kSecond,
       Vitality::kStalled},
      {"no time-out", {.beat = Ago(900), .owing_since = Ago(900)}, 0, Vitality::kLate},
  };
  for (const Case& each : cases)
    EXPECT_EQ(Judge(each.pulse, kNow, each.stall_timeout), each.expected) << each.what;
}

}  // namespace
}  // namespace hydrapool
