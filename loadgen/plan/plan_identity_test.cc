#include "loadgen/plan/plan_identity.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

Plan Example() {
  return {.targets = {{.url = "http://h/", .user = "ann:secret", .headers = {"X-Key: 1"}, .body = "abc"}},
          .arrivals = {.rate = 100, .start_at = 5 * sys::kSecond}};
}

TEST(PlanIdentityTest, IsTheSameForTheReplicasOfOneRun) {
  auto other = Example();
  other.replica = {.index = 1, .of = 3};
  other.connections = 3;
  other.threads = 2;
  other.wire.bind = {"127.0.0.2"};
  EXPECT_EQ(IdentityOf(other), IdentityOf(Example()));
  EXPECT_EQ(IdentityOf(other).size(), 16u);
}

TEST(PlanIdentityTest, DiffersWhereTheLoadDoes) {
  const auto identity = IdentityOf(Example());
  const auto with = [](auto change) {
    auto plan = Example();
    change(plan);
    return IdentityOf(plan);
  };
  EXPECT_NE(with([](Plan& plan) { plan.targets[0].url = "http://h/other"; }), identity);
  EXPECT_NE(with([](Plan& plan) { plan.targets[0].method = "PUT"; }), identity);
  EXPECT_NE(with([](Plan& plan) { plan.targets.push_back({.url = "http://h/other"}); }), identity);
  EXPECT_NE(with([](Plan& plan) { plan.arrivals.rate = 101; }), identity);
  EXPECT_NE(with([](Plan& plan) { plan.arrivals.stages = {{.rate = 7}}; }), identity);
  EXPECT_NE(with([](Plan& plan) { plan.arrivals.duration += sys::kSecond; }), identity);
  EXPECT_NE(with([](Plan& plan) { plan.arrivals.start_at = 6 * sys::kSecond; }), identity) << "a later run";
  EXPECT_NE(with([](Plan& plan) { plan.wire.keep_alive = false; }), identity);
  EXPECT_NE(with([](Plan& plan) { plan.expect.status = {200}; }), identity);
  EXPECT_NE(with([](Plan& plan) { plan.seed = 2; }), identity);
}

TEST(PlanIdentityTest, TellsNothingOfWhatIsSecret) {
  auto other = Example();
  other.targets[0].user = "ann:other";
  other.targets[0].headers = {"X-Key: 2"};
  other.targets[0].body = "xyz";
  EXPECT_EQ(IdentityOf(other), IdentityOf(Example()));
}

}  // namespace
}  // namespace hydrapool::loadgen
