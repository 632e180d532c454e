#include "harness/observe/load_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/observe/pool_watch.h"

namespace hydrapool::harness {
namespace {

using testing::HasSubstr;

constexpr const char* kReport = R"({"requests":{"sent":10,"ok":8,"unsent":2},"achieved":0.75,"throughput_rps":5.5,
  "latency_us":{"response":{"p99":2500,"count":10},"service":{"mean":1000,"count":10}},
  "valid":false,"reason":"late"})";

TEST(ReadLoadReportTest, TakesWhatIsJudged) {
  const auto load = ReadLoadReport("http://h/", kReport, {.signal = 0, .code = 3}, "");
  EXPECT_EQ(load.sent, 10u);
  EXPECT_EQ(load.ok, 8u);
  EXPECT_EQ(load.unsent, 2u);
  EXPECT_EQ(load.achieved, 0.75);
  EXPECT_EQ(load.response_p99, 2500 * sys::kMicrosecond);
  EXPECT_EQ(load.service_mean, sys::kMillisecond);
  EXPECT_EQ(load.invalid, "late");
  EXPECT_EQ(load.broken, "");
}

TEST(ReadLoadReportTest, SaysWhyThereIsNone) {
  EXPECT_THAT(ReadLoadReport("u", "", {.signal = 0, .code = 127}, "no such program").broken,
              HasSubstr("exit_127: no such program"));
  EXPECT_THAT(ReadLoadReport("u", "{}", {}, "").broken, HasSubstr("requests"));
}

std::string Line(const std::string& outcome, int status, int ms, const std::string& worker = "") {
  return R"({"t_ms":1,"sent_ns":1000,"end_ns":)" + std::to_string(1000 + ms * 1'000'000LL) +
         R"(,"url":"u","outcome":")" + outcome + R"(","status":)" + std::to_string(status) +
         R"(,"local_port":40112,"worker":")" + worker + "\"}\n";
}

TEST(ReadJournalTest, TellsLostFromCutFromAbandonedFromRefused) {
  const auto journalled =
      ReadJournal(Line("reset_before_response", 0, 5) + Line("truncated", 200, 5, "2.7") +
                  Line("bad_status", 502, 5) + Line("bad_status", 404, 5) + Line("resend_suppressed", 0, 5) +
                  Line("in_flight_at_end", 0, 5) + Line("in_flight_at_end", 0, 2500) + R"({"t_ms":1,"sent)");
  ASSERT_EQ(journalled.failures.size(), 6u);
  EXPECT_EQ(journalled.failures[0].kind, FailureKind::kLost);
  EXPECT_EQ(journalled.failures[0].slot, std::nullopt);
  EXPECT_EQ(journalled.failures[1].kind, FailureKind::kCut);
  EXPECT_EQ(journalled.failures[1].slot, 2);
  EXPECT_EQ(journalled.failures[1].port, 40112);
  EXPECT_EQ(journalled.failures[2].kind, FailureKind::kAbandoned);
  EXPECT_EQ(journalled.failures[3].kind, FailureKind::kRefused);
  EXPECT_EQ(journalled.failures[3].what, "status 404");
  EXPECT_EQ(journalled.failures[4].kind, FailureKind::kLost);
  EXPECT_EQ(journalled.failures[5].what, "hung");
  EXPECT_EQ(journalled.failures[5].kind, FailureKind::kLost);
  EXPECT_EQ(journalled.in_flight_at_end, 1u);
}

TEST(EchoResultTest, GoesThereAndBack) {
  EchoResult result{.counts = {.sent = 5, .ok = 3, .wrong = 1, .duplicate = 2, .connect_failed = 1},
                    .failures = {{.sent = 1, .end = 2, .what = "reset", .cut = true, .port = 40112},
                                 {.sent = 3, .end = 4, .what = "status_5xx"},
                                 {.sent = 5, .end = 6, .what = "eof"}},
                    .connections = 9,
                    .answered = 4,
                    .elapsed = sys::kSecond};
  const auto outcome = ReadEchoResult("u", EchoResultText(result));
  EXPECT_EQ(outcome.load.sent, 6u);
  EXPECT_EQ(outcome.load.rate, 3);
  EXPECT_EQ(outcome.duplicated, 2u);
  EXPECT_EQ(outcome.wrong, 1u);
  EXPECT_EQ(outcome.opened, 9u);
  EXPECT_EQ(outcome.answered, 4u);
  EXPECT_EQ(outcome.connect_failed, 1u);
  ASSERT_EQ(outcome.failures.size(), 3u);
  EXPECT_EQ(outcome.failures[0].kind, FailureKind::kCut);
  EXPECT_EQ(outcome.failures[0].port, 40112);
  EXPECT_EQ(outcome.failures[1].kind, FailureKind::kAbandoned);
  EXPECT_EQ(outcome.failures[2].kind, FailureKind::kLost);
  EXPECT_EQ(outcome.failures[2].end, 6);
  EXPECT_NE(ReadEchoResult("u", "").load.broken, "");
}

}  // namespace
}  // namespace hydrapool::harness
