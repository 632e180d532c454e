#include "pool/parent/seats.h"

#include <gtest/gtest.h>

#include <vector>

#include "pool/parent/lease_book.h"

namespace hydrapool {
namespace {

constexpr sys::Nanos kNow = 1000;

class SeatsTest : public testing::Test {
 protected:
  Scoreboard scoreboard_{2, 1};
  Seats seats_{scoreboard_, 8};
};

TEST_F(SeatsTest, EachSeatGetsOneWorker) {
  ASSERT_EQ(seats_.Vacant(kNow), 0u);
  WorkerHandle& first = seats_.Settle(0);
  EXPECT_EQ(seats_.present(0), &first);
  ASSERT_EQ(seats_.Vacant(kNow), 1u);
  WorkerHandle& second = seats_.Settle(1);
  EXPECT_NE(first.number(), second.number());
  EXPECT_EQ(seats_.Vacant(kNow), std::nullopt);
  EXPECT_EQ(seats_.NextStart(), std::nullopt);
  EXPECT_EQ(seats_.in_use().size(), 2u);
}

TEST_F(SeatsTest, AWorkerThatLeavesKeepsItsHandleBesideItsSuccessors) {
  WorkerHandle& leaver = seats_.Settle(0);
  seats_.Settle(1);
  leaver.life().Begin(0, kNow);
  seats_.Vacate(0);
  ASSERT_EQ(seats_.Vacant(kNow), 0u);
  EXPECT_EQ(scoreboard_.slot(0).life, leaver.number()) << "until another has come";
  WorkerHandle& successor = seats_.Settle(0);
  EXPECT_NE(successor.number(), leaver.number());
  EXPECT_EQ(scoreboard_.slot(0).life, successor.number());
  EXPECT_FALSE(seats_.IsPresent(leaver));
  EXPECT_EQ(&seats_.handle(leaver.number()), &leaver);
  EXPECT_EQ(seats_.in_use().size(), 3u);

  seats_.Vacate(0);  // the successor leaves too, and there is no handle for a third
  EXPECT_EQ(seats_.Vacant(kNow), std::nullopt);
  EXPECT_EQ(seats_.NextStart(), std::nullopt) << "no time brings one; the end of one that leaves does";
  seats_.Release(leaver);
  ASSERT_EQ(seats_.Vacant(kNow), 0u);
  EXPECT_EQ(seats_.Settle(0).number(), leaver.number());
}

TEST_F(SeatsTest, ASeatMayHaveToWaitForItsNextWorker) {
  WorkerHandle& dead = seats_.Settle(0);
  seats_.Settle(1);
  dead.life().Begin(0, kNow);
  dead.life().state = WorkerState::kReady;
  seats_.record(0).next_start = kNow + 10;
  seats_.Vacate(0);
  dead.Close();
  seats_.Release(dead);
  EXPECT_EQ(seats_.Vacant(kNow), std::nullopt);
  EXPECT_EQ(seats_.NextStart(), kNow + 10);
  EXPECT_EQ(seats_.Vacant(kNow + 10), 0u);
  EXPECT_EQ(scoreboard_.life_of(0).state, WorkerState::kDead);
}

TEST_F(SeatsTest, AHandleThatAnotherSeatUsesIsNotTakenForThisSeatsLife) {
  WorkerHandle& dead = seats_.Settle(0);
  dead.life().Begin(0, kNow);
  seats_.Vacate(0);
  seats_.Release(dead);
  WorkerHandle& other = seats_.Settle(1);
  ASSERT_EQ(other.number(), dead.number());
  other.life().Begin(1, kNow);
  EXPECT_EQ(scoreboard_.life_of(0).state, WorkerState::kDead);
  EXPECT_EQ(scoreboard_.life_of(1).state, WorkerState::kStarting);
}

}  // namespace
}  // namespace hydrapool
