#include "pool/shared/body_budget.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <vector>

#include "pool/sys/child.h"

namespace hydrapool {
namespace {

TEST(BodyBudgetTest, CountsBodiesAndThoseInMemory) {
  const BodyBudget budget;
  EXPECT_TRUE(budget.Begin(0, 2));
  EXPECT_TRUE(budget.ClaimMemory(0, 1));
  EXPECT_TRUE(budget.Begin(7, 2));
  EXPECT_FALSE(budget.ClaimMemory(7, 1));
  EXPECT_FALSE(budget.Begin(8, 2));
  EXPECT_TRUE(budget.InMemory(0));
  EXPECT_FALSE(budget.InMemory(7));
  budget.LeaveMemory(0);
  EXPECT_TRUE(budget.ClaimMemory(7, 1));
  budget.End(0);
  budget.End(7);
  EXPECT_EQ(budget.bodies(), 0u);
  EXPECT_EQ(budget.in_memory(), 0u);
}

TEST(BodyBudgetTest, MemoryThatAProcessHasIsFreedByItsReaping) {
  const BodyBudget budget;
  ASSERT_TRUE(budget.Begin(3, 1));
  ASSERT_TRUE(budget.ClaimMemory(3, 1));
  budget.Occupy(3, 4242);
  EXPECT_FALSE(budget.InMemory(3));
  budget.End(3);
  EXPECT_EQ(budget.bodies(), 0u);
  EXPECT_EQ(budget.in_memory(), 1u);
  budget.Free(4242);
  EXPECT_EQ(budget.in_memory(), 0u);
}

TEST(BodyBudgetTest, AProcessWhoseBodyLiesInAFileOccupiesNothing) {
  const BodyBudget budget;
  ASSERT_TRUE(budget.Begin(3, 1));
  budget.Occupy(3, 4242);
  EXPECT_EQ(budget.in_memory(), 0u);
}

// Workers that claim and give back, killed at any moment: never more than the limit, and what is left is
// given back by lease.
TEST(BodyBudgetTest, IsExactAcrossDeaths) {
  const BodyBudget budget;
  for (int round = 0; round < 20; ++round) {
    std::vector<sys::Child> workers;
    for (std::uint32_t lease = 0; lease < 4; ++lease) {
      workers.push_back(sys::Child::Fork([&budget, lease] {
        for (;;) {
          if (budget.Begin(lease, 3) && budget.ClaimMemory(lease, 2)) budget.LeaveMemory(lease);
          budget.End(lease);
        }
        return 0;
      }));
    }
    for (int look = 0; look < 1000; ++look) {
      ASSERT_LE(budget.bodies(), 3u);
      ASSERT_LE(budget.in_memory(), 2u);
    }
    for (const sys::Child& worker : workers) worker.Signal(SIGKILL);
    workers.clear();  // reaps
    for (std::uint32_t lease = 0; lease < 4; ++lease) budget.End(lease);
    ASSERT_EQ(budget.bodies(), 0u);
    ASSERT_EQ(budget.in_memory(), 0u);
  }
}

}  // namespace
}  // namespace hydrapool
