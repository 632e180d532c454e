#include "loadgen/stats/tally.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;

constexpr Attempt kAttempt{
    .due = 10 * kMillisecond, .free_since = 12 * kMillisecond, .sent = 13 * kMillisecond};

Result Ended(Outcome outcome, std::string_view worker = {}) {
  return {.outcome = outcome, .end = 20 * kMillisecond, .status = 200, .bytes = 100, .worker = worker};
}

TEST(OutcomeTest, NamesAreAllThere) {
  for (std::size_t i = 0; i < kOutcomes; ++i) EXPECT_FALSE(Name(static_cast<Outcome>(i)).empty());
  EXPECT_EQ(Name(Outcome::kOther), "other");
  EXPECT_EQ(Name(Outcome::kResendSuppressed), "resend_suppressed");
}

TEST(TallyTest, TheThreeLatenciesBeginWhereTheyShould) {
  Tally tally;
  tally.Sent(kAttempt, true);
  tally.Finished(kAttempt, Ended(Outcome::kOk));
  EXPECT_EQ(tally.latency.response.max(), 10'000);
  EXPECT_EQ(tally.latency.service.max(), 7'000);
  EXPECT_EQ(tally.latency.lag.max(), 3'000);
  EXPECT_EQ(tally.latency.own_lag.max(), 1'000);
}

TEST(TallyTest, FailuresHaveLatenciesToo) {
  Tally tally;
  tally.Sent(kAttempt, true);
  tally.Finished(kAttempt, Ended(Outcome::kTimeoutBody));
  EXPECT_EQ(tally.latency.response.count(), 1u);
  EXPECT_EQ(tally.outcomes.failed(), 1u);
  EXPECT_EQ(tally.outcomes.completed(), 0u);
  EXPECT_TRUE(tally.status.empty());
}

TEST(TallyTest, ABadStatusIsCompletedButNotOk) {
  Tally tally;
  tally.Sent(kAttempt, true);
  tally.Finished(kAttempt, Ended(Outcome::kBadStatus));
  EXPECT_EQ(tally.outcomes.completed(), 1u);
  EXPECT_EQ(tally.outcomes.of(Outcome::kOk), 0u);
  EXPECT_EQ(tally.outcomes.failed(), 0u);
}

/// Every way in which requests can end, and one that did not.
Tally AllOutcomes(bool one_target) {
  Tally tally;
  tally.one_target = one_target;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    for (std::size_t n = 0; n <= i; ++n) {
      auto result = Ended(static_cast<Outcome>(i));
      result.end += static_cast<sys::Nanos>(n) * kMillisecond;
      result.phases = {.connect = kMillisecond, .first_byte = static_cast<sys::Nanos>(i) * kMillisecond};
      tally.Sent(kAttempt, true);
      tally.Finished(kAttempt, result);
    }
  }
  tally.Sent(kAttempt, true);
  tally.InFlightAtEnd(kAttempt, 110 * kMillisecond);
  if (one_target) tally.CloseOneTarget();
  return tally;
}

TEST(TallyTest, OneKindOfRequestIsTheWholeRun) {
  const auto counted = AllOutcomes(false).targets.of(0);
  const auto made = AllOutcomes(true).targets.of(0);
  EXPECT_EQ(made.sent, counted.sent);
  EXPECT_EQ(made.completed, counted.completed);
  EXPECT_EQ(made.ok, counted.ok);
  EXPECT_EQ(made.errors, counted.errors);
  EXPECT_EQ(made.response, counted.response);
  EXPECT_EQ(made.not_ok_response, counted.not_ok_response);
  for (std::size_t i = 0; i < kPhases; ++i) {
    EXPECT_EQ(made.phases[i].count, counted.phases[i].count);
    EXPECT_EQ(made.phases[i].sum, counted.phases[i].sum);
    EXPECT_EQ(made.phases[i].max, counted.phases[i].max);
  }
}

TEST(TallyTest, WhatIsInFlightAtTheEndIsAsOldAsItIs) {
  Tally tally;
  tally.Sent(kAttempt, true);
  tally.InFlightAtEnd(kAttempt, 110 * kMillisecond);
  EXPECT_EQ(tally.latency.response.max(), 100'000);
  EXPECT_EQ(tally.latency.service.count(), 1u);
  EXPECT_EQ(tally.sent, tally.outcomes.completed() + tally.outcomes.failed() + tally.in_flight_at_end);
}

TEST(TallyTest, WorkersAreCountedBySlot) {
  Tally tally;
  for (const auto* worker : {"0.1", "1.1", "1.2", "web-a", ""})
    tally.Finished(kAttempt, Ended(Outcome::kOk, worker));
  EXPECT_EQ(tally.workers.at("0").requests, 1u);
  EXPECT_EQ(tally.workers.at("1").requests, 2u);
  EXPECT_EQ(tally.workers.at("web-a").requests, 1u);
  EXPECT_EQ(tally.workers.size(), 3u);
}

TEST(TallyTest, PhasesAreCountedWhereThereWasOne) {
  Tally tally;
  tally.Finished(kAttempt, {.outcome = Outcome::kOk,
                            .end = 20 * kMillisecond,
                            .phases = {.connect = 2 * kMillisecond, .first_byte = 5 * kMillisecond}});
  tally.Finished(
      kAttempt,
      {.outcome = Outcome::kTruncated, .end = 20 * kMillisecond, .phases = {.first_byte = 7 * kMillisecond}});
  EXPECT_EQ(tally.phases[0].max(), 2'000);
  EXPECT_EQ(tally.phases[1].count(), 0u);
  EXPECT_EQ(tally.phases[2].count(), 2u);
  EXPECT_EQ(tally.phases[3].count(), 1u);
}

TEST(TallyTest, AWorkersErrorsAndLatenciesAreItsOwn) {
  Tally tally;
  tally.Finished(kAttempt, Ended(Outcome::kOk, "0.1"));
  tally.Finished(kAttempt, Ended(Outcome::kBadStatus, "0.2"));
  tally.Finished(kAttempt, Ended(Outcome::kTruncated, "0.2"));
  const auto& worker = tally.workers.at("0");
  EXPECT_EQ(worker.requests, 2u);
  EXPECT_EQ(worker.errors, 2u);
  EXPECT_EQ(worker.service.count(), 3u);
  EXPECT_EQ(worker.service.max(), 7'000);
}

TEST(TallyTest, AHeaderThatIsNeverTheSameDoesNotCostMemory) {
  Tally tally;
  for (int i = 0; i < 5000; ++i) tally.Finished(kAttempt, Ended(Outcome::kOk, std::to_string(i)));
  EXPECT_EQ(tally.workers.size(), kMaxWorkers + 1);
  EXPECT_EQ(tally.workers.at("other").requests, 5000 - kMaxWorkers);
  EXPECT_EQ(std::ranges::count_if(tally.workers, [](const auto& w) { return w.second.service.count() > 0; }),
            kMaxTimedWorkers);
}

TEST(TallyTest, MergingIsCountingBoth) {
  Tally a;
  Tally b;
  Tally both;
  for (auto* tally : {&a, &both}) {
    tally->Sent(kAttempt, true);
    tally->Finished(kAttempt, Ended(Outcome::kOk, "0.1"));
  }
  for (auto* tally : {&b, &both}) {
    tally->Sent(kAttempt, false);
    tally->Finished(kAttempt, Ended(Outcome::kRefused));
    tally->Sent(kAttempt, true);
    tally->InFlightAtEnd(kAttempt, 30 * kMillisecond);
  }
  a.Merge(b);
  EXPECT_EQ(a.sent, both.sent);
  EXPECT_EQ(a.sent_in_time, both.sent_in_time);
  EXPECT_EQ(a.outcomes.failed(), both.outcomes.failed());
  EXPECT_EQ(a.in_flight_at_end, both.in_flight_at_end);
  EXPECT_EQ(a.latency.response, both.latency.response);
  EXPECT_EQ(a.latency.lag, both.latency.lag);
  EXPECT_EQ(a.status, both.status);
  EXPECT_EQ(a.workers, both.workers);
}

}  // namespace
}  // namespace hydrapool::loadgen
