#include "pool/shared/respawn_policy.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <random>
#include <vector>

namespace hydrapool {
namespace {

constexpr Death kCrash{.lived = 5 * sys::kMillisecond, .status = {SIGSEGV, 0}, .was_ready = true};
constexpr Death kFailedStart{.lived = sys::kMillisecond, .status = {0, 70}, .was_ready = false};
constexpr Death kKilled{.lived = 5 * sys::kMillisecond, .status = {SIGKILL, 0}, .was_ready = true};
constexpr Death kLeft{.lived = 5 * sys::kMillisecond, .status = {0, 0}, .was_ready = true};
constexpr Death kOld{.lived = sys::kSecond, .status = {SIGSEGV, 0}, .was_ready = true};

TEST(RespawnPolicyTest, TheDelayDoublesFromTheThirdYoungDeathTo5Seconds) {
  RespawnPolicy policy;
  for (const int milliseconds : {0, 0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000}) {
    EXPECT_EQ(policy.OnDeath(kFailedStart), milliseconds * sys::kMillisecond);
  }
}

TEST(RespawnPolicyTest, FailingFromTheFifthOn) {
  RespawnPolicy policy;
  for (int i = 1; i <= 6; ++i) {
    policy.OnDeath(kCrash);
    EXPECT_EQ(policy.failing(), i >= 5);
  }
}

TEST(RespawnPolicyTest, WhoIsKilledFromOutsideOrLeavesInPeaceIsNotToBlame) {
  RespawnPolicy policy;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(policy.OnDeath(kKilled), 0);
    EXPECT_EQ(policy.OnDeath(kLeft), 0);
  }
  EXPECT_FALSE(policy.failing());
}

TEST(RespawnPolicyTest, WhoIsKilledBeforeItWasReadyIsSparedForAWhile) {
  constexpr Death kKilledEarly{.lived = 5 * sys::kMillisecond, .status = {SIGKILL, 0}, .was_ready = false};
  RespawnPolicy policy;
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t i = 0; i < RespawnPolicy::kSpared; ++i) EXPECT_EQ(policy.OnDeath(kKilledEarly), 0);
    EXPECT_EQ(policy.OnDeath(kKilled), 0) << "one was ready: the start works";
  }
  for (std::uint32_t i = 0; i < RespawnPolicy::kSpared; ++i) policy.OnDeath(kKilledEarly);
  for (const int milliseconds : {10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000})
    EXPECT_EQ(policy.OnDeath(kKilledEarly), milliseconds * sys::kMillisecond);
  EXPECT_TRUE(policy.failing());
  EXPECT_EQ(policy.young_deaths(), 0u);
  EXPECT_EQ(policy.in_a_row(), RespawnPolicy::kSpared + 11);
}

TEST(RespawnPolicyTest, AKillInBetweenDoesNotClearIt) {
  RespawnPolicy policy;
  for (int i = 0; i < 5; ++i) {
    policy.OnDeath(kCrash);
    policy.OnDeath(kKilled);
  }
  EXPECT_TRUE(policy.failing());
}

TEST(RespawnPolicyTest, ALongLifeClearsIt) {
  RespawnPolicy policy;
  for (int i = 0; i < 10; ++i) policy.OnDeath(kCrash);
  EXPECT_EQ(policy.OnDeath(kOld), 0);
  EXPECT_FALSE(policy.failing());
  EXPECT_EQ(policy.young_deaths(), 0u);
}

TEST(RespawnPolicyTest, AnyScheduleOfDeathsGivesDelaysOfAtMost5SecondsAndALongLifeEndsThem) {
  std::mt19937 random(3);
  const std::vector<Death> deaths{kCrash, kFailedStart, kKilled, kLeft, kOld};
  for (int round = 0; round < 200; ++round) {
    RespawnPolicy policy;
    for (int i = 0; i < 200; ++i) {
      Death death = deaths[random() % deaths.size()];
      death.lived = static_cast<sys::Nanos>(random()) % (2 * sys::kSecond) - sys::kMillisecond;
      const sys::Nanos delay = policy.OnDeath(death);
      ASSERT_GE(delay, 0);
      ASSERT_LE(delay, RespawnPolicy::kLongestDelay);
      if (death.lived >= RespawnPolicy::kYoung) {
        ASSERT_EQ(delay, 0);
      }
    }
    policy.OnDeath(kOld);
    ASSERT_EQ(policy.OnDeath(kCrash), 0);
  }
}

}  // namespace
}  // namespace hydrapool
