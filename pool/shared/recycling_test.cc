#include "pool/shared/recycling.h"

#include <gtest/gtest.h>

namespace hydrapool {
namespace {

constexpr Recycling kRules{.requests = 1000, .memory = 1 << 20, .age = 10 * sys::kSecond};

TEST(RecyclingTest, WithoutRulesOnlySurplusAndOutdatedWorkersAreReplaced) {
  const WorkerWear old{.requests = UINT64_MAX, .memory = UINT64_MAX, .age = INT64_MAX};
  EXPECT_EQ(WhyRecycle(old, {}), RecycleCause::kNone);
  EXPECT_EQ(WhyRecycle({.outdated = true}, {}), RecycleCause::kOutdated);
  EXPECT_EQ(WhyRecycle({.surplus = true, .outdated = true}, {}), RecycleCause::kSurplus);
}

TEST(RecyclingTest, EachRuleHoldsFromItsLimitOn) {
  EXPECT_EQ(WhyRecycle({.requests = 999, .memory = (1 << 20) - 1, .age = 10 * sys::kSecond - 1}, kRules),
            RecycleCause::kNone);
  EXPECT_EQ(WhyRecycle({.requests = 1000}, kRules), RecycleCause::kRequests);
  EXPECT_EQ(WhyRecycle({.memory = 1 << 20}, kRules), RecycleCause::kMemory);
  EXPECT_EQ(WhyRecycle({.age = 10 * sys::kSecond}, kRules), RecycleCause::kAge);
}

TEST(RecyclingTest, TheLotSpreadsRequestsAndAgeOverATenthButNotMemory) {
  EXPECT_EQ(WhyRecycle({.requests = 1099, .age = 10'999 * sys::kMillisecond, .lot = 1}, kRules),
            RecycleCause::kNone);
  EXPECT_EQ(WhyRecycle({.requests = 1100, .lot = 1}, kRules), RecycleCause::kRequests);
  EXPECT_EQ(WhyRecycle({.age = 11 * sys::kSecond, .lot = 1}, kRules), RecycleCause::kAge);
  EXPECT_EQ(WhyRecycle({.memory = 1 << 20, .lot = 1}, kRules), RecycleCause::kMemory);
}

}  // namespace
}  // namespace hydrapool
