#include "pool/shared/scoreboard.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace hydrapool {
namespace {

TEST(DurationHistogramTest, ADurationFallsIntoTheFirstBucketThatIsNotBelowIt) {
  for (std::size_t i = 0; i < DurationHistogram::kBounds.size(); ++i) {
    DurationHistogram histogram;
    histogram.Observe(DurationHistogram::kBounds[i]);
    histogram.Observe(DurationHistogram::kBounds[i] + 1);
    EXPECT_EQ(histogram.count(i), 1u) << i;
    EXPECT_EQ(histogram.count(i + 1), 1u) << i;
    EXPECT_EQ(histogram.total(), 2u);
  }
}

TEST(DurationHistogramTest, NegativeDurationsCountAsNone) {
  DurationHistogram histogram;
  histogram.Observe(-5 * sys::kSecond);
  EXPECT_EQ(histogram.count(0), 1u);
  EXPECT_EQ(histogram.sum_seconds(), 0.0);
}

TEST(DurationHistogramTest, SumsInSecondsWhatExceedsEveryBoundToo) {
  DurationHistogram histogram;
  histogram.Observe(20 * sys::kSecond);
  histogram.Observe(500 * sys::kMillisecond);
  EXPECT_EQ(histogram.count(DurationHistogram::kBounds.size()), 1u);
  EXPECT_DOUBLE_EQ(histogram.sum_seconds(), 20.5);
}

TEST(ExitCauseTest, EveryEndHasACause) {
  EXPECT_EQ(kExitCauses[OutOfMemoryCause()], "out_of_memory");
  EXPECT_EQ(kExitCauses[ExitCause(0, 0)], "exit_0");
  EXPECT_EQ(kExitCauses[ExitCause(0, 70)], "exit_nonzero");
  EXPECT_EQ(kExitCauses[ExitCause(SIGKILL, 0)], "SIGKILL");
  EXPECT_EQ(kExitCauses[ExitCause(SIGXCPU, 0)], "SIGXCPU");
  EXPECT_EQ(kExitCauses[ExitCause(SIGPIPE, 0)], "signal_other");
  EXPECT_EQ(kExitCauses[ExitCause(64, 0)], "signal_other");
}

TEST(WorkerSlotTest, RequestsAreTheRepliesOfAllKinds) {
  const Scoreboard board(2);
  board.slot(1).replies[2].Add(5);
  board.slot(1).replies[5].Add();
  EXPECT_EQ(board.slot(1).requests(), 6u);
  EXPECT_EQ(board.slot(0).requests(), 0u);
  EXPECT_EQ(WorkerStateName(board.life_of(0).state), "dead");
}

}  // namespace
}  // namespace hydrapool
