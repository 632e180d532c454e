#include "loadgen/report/slo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;

/// 99 ok in 10 ms each, one refused after 2 s, over 10 s.
RunResult Example() {
  RunResult run{.scheduled = 100, .duration = 10 * kSecond, .sending = 10 * kSecond, .counted = 99};
  for (int i = 0; i < 100; ++i) {
    const Attempt attempt{.due = 0, .sent = kMillisecond};
    run.tally.Sent(attempt, true);
    run.tally.Finished(attempt, {.outcome = i == 0 ? Outcome::kRefused : Outcome::kOk,
                                 .end = i == 0 ? 2 * kSecond : 10 * kMillisecond});
  }
  return run;
}

bool Met(std::string_view text, const RunResult& run = Example()) {
  const auto slo = ParseSlo("--slo", text);
  EXPECT_TRUE(slo) << text;
  return slo && Check(*slo, FactsOf(run)).met;
}

TEST(SloTest, Latencies) {
  EXPECT_TRUE(Met("p99<50ms"));
  EXPECT_TRUE(Met("p99 <= 10.01ms"));
  EXPECT_FALSE(Met("p99<10ms"));
  EXPECT_FALSE(Met("p99.9<1s"));
  EXPECT_FALSE(Met("max<2s"));
  EXPECT_TRUE(Met("max>=2s"));
  EXPECT_TRUE(Met("mean<30ms"));
  EXPECT_TRUE(Met("service.p50<10ms"));
  EXPECT_TRUE(Met("lag.max<=1ms"));
  EXPECT_FALSE(Met("lag.max<900us"));
}

TEST(SloTest, ErrorsAndRate) {
  EXPECT_FALSE(Met("errors<1%"));
  EXPECT_TRUE(Met("errors<=1%"));
  EXPECT_TRUE(Met("errors<2"));
  EXPECT_FALSE(Met("errors<=0"));
  EXPECT_TRUE(Met("rps>9.8"));
  EXPECT_FALSE(Met("rps>=10"));
}

TEST(SloTest, SaysTheValue) {
  const auto run = Example();
  const auto verdict = Check(*ParseSlo("--slo", "errors < 0.1%"), FactsOf(run));
  EXPECT_EQ(verdict.text, "errors<0.1%");
  EXPECT_EQ(verdict.shown, "1 %");
  EXPECT_EQ(Check(*ParseSlo("--slo", "p50<1s"), FactsOf(run)).shown, "10.0 ms");
}

TEST(SloTest, ARunThatSentNothingMeetsNothing) {
  for (const auto* text : {"p99<50ms", "lag.max<1s", "errors<=0", "errors<1%", "unanswered<=0", "dropped<=0",
                           "achieved>=0%", "rps>=0", "rps<5"})
    EXPECT_FALSE(Met(text, {})) << text;
}

/// Four sent, none answered, as many never sent.
RunResult HungServer() {
  RunResult run{.scheduled = 8, .duration = 3 * kSecond, .sending = kSecond};
  for (int i = 0; i < 4; ++i) {
    const Attempt attempt{.due = 0, .sent = 0};
    run.tally.Sent(attempt, true);
    run.tally.InFlightAtEnd(attempt, 3 * kSecond);
  }
  return run;
}

TEST(SloTest, AServerThatNeverAnswersHoldsNothing) {
  const auto run = HungServer();
  for (const auto* text : {"errors<1%", "errors<=0", "p99<1h", "mean<1h", "unanswered<1%", "dropped<=0",
                           "achieved>=99%", "rps>0"})
    EXPECT_FALSE(Met(text, run)) << text;
  for (const auto* text : {"errors>=8", "errors>99%", "unanswered>=100%", "unanswered<=4", "dropped>=4",
                           "dropped<=50%", "achieved<51%", "p50>=3s"})
    EXPECT_TRUE(Met(text, run)) << text;
  EXPECT_EQ(Check(*ParseSlo("--slo", "errors<1%"), FactsOf(run)).samples, 8u);
}

/// `n` ok in 50 ms each, 99 times as many others that ended in 10 µs.
RunResult FastFailures(Outcome outcome, int n = 10) {
  RunResult run{.scheduled = static_cast<std::uint64_t>(100 * n), .duration = kSecond};
  for (int i = 0; i < 100 * n; ++i) {
    const Attempt attempt{.due = 0, .sent = 0};
    const bool ok = i % 100 == 0;
    run.tally.Sent(attempt, true);
    run.tally.Finished(attempt, {.outcome = ok ? Outcome::kOk : outcome,
                                 .end = ok ? 50 * kMillisecond : 10 * sys::kMicrosecond,
                                 .status = ok ? 200 : 503});
  }
  return run;
}

TEST(SloTest, NoFailureMakesALatencyBetter) {
  for (const auto outcome : {Outcome::kRefused, Outcome::kBadStatus, Outcome::kWrongBody, Outcome::kNoPorts,
                             Outcome::kResetBeforeResponse, Outcome::kMalformed}) {
    const auto run = FastFailures(outcome);
    for (const auto* text : {"p50<20ms", "p99<20ms", "mean<20ms", "service.p50<20ms"})
      EXPECT_FALSE(Met(text, run)) << text << Name(outcome);
    EXPECT_TRUE(Met("p99<=51ms", run)) << Name(outcome);
    EXPECT_EQ(Check(*ParseSlo("--slo", "p50<1s"), FactsOf(run)).samples, 10u);
  }
}

TEST(SloTest, WaitingInVainIsSlowToo) {
  RunResult run = FastFailures(Outcome::kRefused);
  for (int i = 0; i < 500; ++i) {
    const Attempt attempt{.due = 0, .sent = 0};
    run.tally.Sent(attempt, true);
    run.tally.Finished(attempt, {.outcome = Outcome::kTimeoutFirstByte, .end = 10 * kSecond});
  }
  EXPECT_FALSE(Met("p99<1s", run));
  EXPECT_TRUE(Met("p99>9s", run));
}

TEST(SloTest, OfOneUrl) {
  const std::vector<std::string> urls{"http://h/a", "http://h/checkout?x=1", "http://h/checkout?x=2"};
  const auto aimed = [&](std::string_view text) {
    std::vector<Slo> slos{*ParseSlo("--slo", text)};
    const auto result = AimAt(urls, slos);
    return result ? std::to_string(slos[0].url.value_or(99)) : result.error().message;
  };
  EXPECT_EQ(aimed("a: p99<1s"), "0");
  EXPECT_EQ(aimed("/a : errors < 1%"), "0");
  EXPECT_EQ(aimed("http://h/a: rps>1"), "0");
  EXPECT_EQ(aimed("checkout?x=2: unanswered<1%"), "2");
  EXPECT_EQ(aimed("p99<1s"), "99");
  EXPECT_EQ(aimed("checkout: p99<1s"), "'checkout: p99<1s' names more than one URL");
  EXPECT_EQ(aimed("b: p99<1s"), "'b: p99<1s' names no URL");
  EXPECT_FALSE(ParseSlo("--slo", "a: lag.p99<1s"));
  EXPECT_FALSE(ParseSlo("--slo", "a: dropped<1%"));
  EXPECT_FALSE(ParseSlo("--slo", ": p99<1s"));

  auto run = Example();
  run.tally.targets.Sent(1);
  run.tally.targets.Finished(1, Outcome::kOk, 70'000);
  std::vector<Slo> slos{*ParseSlo("--slo", "a: p99<100ms"), *ParseSlo("--slo", "checkout?x=1: p99<50ms"),
                        *ParseSlo("--slo", "checkout?x=2: errors<1%")};
  ASSERT_TRUE(AimAt(urls, slos));
  EXPECT_TRUE(Check(slos[0], run).met);
  EXPECT_FALSE(Check(slos[1], run).met) << "70 ms";
  EXPECT_EQ(Check(slos[1], run).samples, 1u);
  EXPECT_FALSE(Check(slos[2], run).met) << "of nothing";
}

/// Ten sessions were due, two begun in time, each of which had nine more requests.
RunResult DilutedSessions() {
  RunResult run{.scheduled = 28, .duration = kSecond, .sending = kSecond, .counted = 20};
  for (int i = 0; i < 20; ++i) {
    const Attempt attempt{.follows = i % 10 != 0};
    run.tally.Sent(attempt, true);
    run.tally.Finished(attempt, {.outcome = Outcome::kOk, .end = kMillisecond});
  }
  return run;
}

TEST(SloTest, LaterRequestsOfSessionsDoNotHideAMissedSchedule) {
  const auto run = DilutedSessions();
  EXPECT_DOUBLE_EQ(run.achieved(), 0.2);
  EXPECT_FALSE(Met("achieved>=21%", run));
  EXPECT_TRUE(Met("achieved>=20%", run));
  EXPECT_FALSE(Met("dropped<80%", run));
  EXPECT_TRUE(Met("dropped<=80%", run));
  EXPECT_EQ(Check(*ParseSlo("--slo", "dropped<1%"), FactsOf(run)).samples, 10u);
}

/// Of each URL's requests three of four were never sent, and one answer of two came after the sending.
RunResult HalfOfTwoUrls() {
  RunResult run{.scheduled = 80, .duration = 2 * kSecond, .sending = kSecond, .counted = 10};
  for (std::size_t i = 0; i < 20; ++i) {
    const Attempt attempt{.url = i % 2};
    run.tally.Sent(attempt, true);
    run.tally.Finished(attempt, {.outcome = Outcome::kOk, .end = kMillisecond});
  }
  return run;
}

TEST(SloTest, AUrlHasItsShareOfWhatWasNeverSentAndOfTheRate) {
  const auto run = HalfOfTwoUrls();
  const auto shown = [&run](std::string_view text) {
    std::vector<Slo> slos{*ParseSlo("--slo", text)};
    EXPECT_TRUE(AimAt({"http://h/a", "http://h/b"}, slos));
    return Check(slos[0], run).shown;
  };
  EXPECT_EQ(shown("errors<1%"), "75 %");
  EXPECT_EQ(shown("/a: errors<1%"), "75 %");
  EXPECT_EQ(shown("/b: errors<=0"), "30");
  EXPECT_EQ(shown("rps>1"), "10.0/s");
  EXPECT_EQ(shown("/a: rps>1"), "5.0/s");
}

TEST(SloTest, OfARunThatGoesOn) {
  const auto met = [](const char* text, const Progress& progress, std::uint64_t before, std::uint64_t due) {
    return Check(*ParseSlo("--abort-on", text), FactsSoFar({}, progress, before, due, 1)).met;
  };
  const Progress hung{.sent = 10};
  EXPECT_FALSE(met("errors>5%", hung, 10, 0)) << "none has ended";
  EXPECT_TRUE(met("unanswered>5%", hung, 10, 0));
  EXPECT_FALSE(met("unanswered>5%", hung, 0, 0)) << "they were sent this second";
  EXPECT_TRUE(met("rps<1", hung, 10, 0));
  EXPECT_FALSE(met("achieved<90%", hung, 10, 10));
  EXPECT_TRUE(met("achieved<90%", hung, 10, 20));
  EXPECT_TRUE(met("dropped>=3", {.sent = 10, .dropped = 3}, 10, 13));
  EXPECT_FALSE(met("p99>1ms", hung, 10, 0)) << "of nothing";
}

TEST(SloTest, WhatIsNotOneIsSaid) {
  for (const auto* text : {"", "p99", "p99<50", "p101<1s", "p<1s", "q99<1s", "rps>fast", "errors<%", "p99=1s",
                           "service.rps>1", "p99<-1ms", "rps>-1", "achieved>3", "dropped<x", "rps>5%"}) {
    const auto slo = ParseSlo("--slo", text);
    ASSERT_FALSE(slo) << text;
    EXPECT_THAT(slo.error().message, ::testing::HasSubstr("is not an objective"));
  }
}

}  // namespace
}  // namespace hydrapool::loadgen
