#include "pool/shared/readiness.h"

#include <gtest/gtest.h>

namespace hydrapool {
namespace {

constexpr sys::Nanos kNow = 1000 * sys::kSecond;

class ReadinessTest : public ::testing::Test {
 protected:
  ReadinessTest() {
    for (std::size_t i = 0; i < board_.workers(); ++i) {
      board_.life_of(i).state = WorkerState::kReady;
      board_.life_of(i).ready_at = kNow - 100 * sys::kSecond;
      board_.life_of(i).beat = kNow - sys::kSecond;
    }
  }
  [[nodiscard]] Readiness Judged() const { return JudgeReadiness(board_, kNow); }
  void Freeze(std::size_t worker) const { board_.life_of(worker).beat = kNow - kFrozenAfter; }

  const Scoreboard board_{2};
};

TEST_F(ReadinessTest, OneLiveWorkerOfTwoIsEnough) {
  EXPECT_EQ(Judged(), Readiness::kReady);
  Freeze(0);
  EXPECT_EQ(Judged(), Readiness::kReady);
  Freeze(1);
  EXPECT_EQ(Judged(), Readiness::kNoWorker);
}

TEST_F(ReadinessTest, AWorkerThatStartsLeavesOrIsDeadDoesNotCount) {
  board_.life_of(0).state = WorkerState::kStarting;
  for (const WorkerState state : {WorkerState::kStarting, WorkerState::kDraining, WorkerState::kDead}) {
    board_.life_of(1).state = state;
    EXPECT_EQ(Judged(), Readiness::kNoWorker) << WorkerStateName(state);
  }
}

TEST_F(ReadinessTest, AWorkerIsLiveFromItsReadinessOn) {
  Freeze(0);
  board_.life_of(1).beat = 0;
  EXPECT_EQ(Judged(), Readiness::kNoWorker);
  board_.life_of(1).ready_at = kNow;
  EXPECT_EQ(Judged(), Readiness::kReady);
}

TEST_F(ReadinessTest, IsFullOnlyAfterAWhile) {
  board_.signs().full_since = kNow - kFullAfter + 1;
  EXPECT_EQ(Judged(), Readiness::kReady);
  board_.signs().full_since = kNow - kFullAfter;
  EXPECT_EQ(Judged(), Readiness::kFull);
}

TEST_F(ReadinessTest, DrainingIsSaidFirst) {
  board_.signs().full_since = 1;
  Freeze(0);
  Freeze(1);
  board_.signs().draining = true;
  EXPECT_EQ(Judged(), Readiness::kDraining);
}

}  // namespace
}  // namespace hydrapool
