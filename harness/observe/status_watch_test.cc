#include "harness/observe/status_watch.h"

#include <gtest/gtest.h>

#include <mutex>
#include <string>

#include "pool/admin/test_server.h"

namespace hydrapool::harness {
namespace {

constexpr StatusWatch::Pace kPace{.status = 5 * sys::kMillisecond,
                                  .answers = 10 * sys::kMillisecond,
                                  .told = 50 * sys::kMillisecond,
                                  .calm = 3600 * sys::kSecond};

/// A pool of one worker.
struct StatusWatchTest : testing::Test {
  void Say(int incarnation, const std::string& more) {
    const std::lock_guard lock(mutex);
    said =
        R"({"schema":1,"pid":1,"parent":{"pid":2},"workers":[{"slot":0,"pid":7,"state":"ready","requests":3,)"
        R"("incarnation":)" +
        std::to_string(incarnation) + more + "}]}";
  }
  /// From now on.
  sys::Nanos Pause() const { return watch.Due() - sys::Now(); }

  std::mutex mutex;
  std::string said = "{}";
  admin::TestServer server{{{"/status.json", [this] {
                               const std::lock_guard lock(mutex);
                               return admin::Page{200, "application/json", said};
                             }}}};
  StatusWatch watch{server.address(), kPace};
};

TEST_F(StatusWatchTest, AWorkersEndIsLookedAtOnceWhereThePoolTellsWhenThingsWere) {
  Say(1, R"(,"ready_age_us":5,"answered_age_us":5)");
  ASSERT_TRUE(watch.Look());
  EXPECT_GT(Pause(), sys::kSecond);
  sys::Nanos stirred = sys::Now();
  EXPECT_FALSE(watch.Stir(StatusWatch::Stirred::kByWorkersEnd));
  EXPECT_GE(watch.Due(), stirred + kPace.told);
  EXPECT_LE(watch.Due(), sys::Now() + kPace.told);

  Say(2, R"(,"ready_age_us":5,"answered_age_us":null)");
  const auto not_yet = watch.Look();
  EXPECT_TRUE(not_yet->calm);
  EXPECT_LE(Pause(), kPace.told) << "its first answer is awaited";
  Say(2, R"(,"ready_age_us":9,"answered_age_us":1)");
  ASSERT_TRUE(watch.Look());
  EXPECT_GT(Pause(), sys::kSecond) << "whoever has looked, there is nothing to come";
  EXPECT_EQ(watch.TakeSamples().size(), 3u);
}

TEST_F(StatusWatchTest, WhatElseHappensIsLookedAtClosely) {
  Say(1, R"(,"ready_age_us":5,"answered_age_us":5)");
  ASSERT_TRUE(watch.Look());
  watch.Stir(StatusWatch::Stirred::kByWorkersEnd);
  EXPECT_TRUE(watch.Stir(StatusWatch::Stirred::kElse));
  EXPECT_LE(Pause(), kPace.answers);
}

TEST_F(StatusWatchTest, APoolThatDoesNotTellIsLookedAtClosely) {
  Say(1, "");
  ASSERT_TRUE(watch.Look());
  EXPECT_TRUE(watch.Stir(StatusWatch::Stirred::kByWorkersEnd));
  EXPECT_LE(Pause(), kPace.answers);
}

TEST_F(StatusWatchTest, NoAnswerIsNoSampleAndIsAskedForAgainSoon) {
  watch.Stir(StatusWatch::Stirred::kByWorkersEnd);
  EXPECT_FALSE(watch.Look());
  EXPECT_LE(Pause(), kPace.status);
  EXPECT_TRUE(watch.TakeSamples().empty());
}

}  // namespace
}  // namespace hydrapool::harness
