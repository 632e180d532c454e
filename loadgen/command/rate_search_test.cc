#include "loadgen/command/rate_search.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

/// What a search finds where rates up to `limit` hold, and in how many steps.
std::pair<std::optional<double>, int> Find(double limit, const RateSearch::Rules& rules) {
  RateSearch search(rules);
  int steps = 0;
  while (const auto rate = search.Next()) {
    ++steps;
    search.Tell(*rate, *rate <= limit);
  }
  return {search.best(), steps};
}

TEST(RateSearchTest, FindsTheLimitFromBelowAndAbove) {
  for (const double limit : {7.0, 100.0, 4200.0, 91'234.0}) {
    const auto [best, steps] = Find(limit, {.first = 100, .precision = 0.05});
    ASSERT_TRUE(best) << limit;
    EXPECT_LE(*best, limit);
    EXPECT_GE(*best, limit / 1.05);
    EXPECT_LE(steps, 20);
  }
}

TEST(RateSearchTest, WhereNoneHoldsThereIsNone) {
  EXPECT_FALSE(Find(0.5, {.first = 8, .lowest = 1}).first);
  EXPECT_EQ(Find(1e12, {.first = 8, .highest = 100}).first, 100);
}

TEST(RateSearchTest, EndsAfterItsMostSteps) {
  EXPECT_EQ(Find(4200, {.precision = 0, .most_steps = 9}).second, 9);
}

}  // namespace
}  // namespace hydrapool::loadgen
