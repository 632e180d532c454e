#include "loadgen/report/series_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Interval Answers(std::uint64_t n, std::int64_t micros) {
  LatencyHistogram histogram;
  for (std::uint64_t i = 0; i < n; ++i) histogram.Record(micros);
  Interval interval{.sent = n, .response = PackedHistogram(histogram)};
  interval.outcomes[static_cast<std::size_t>(Outcome::kOk)] = n - 1;
  interval.outcomes[static_cast<std::size_t>(Outcome::kTruncated)] = 1;
  return interval;
}

TEST(RowsTest, AStallIsARowOfZeros) {
  RunResult run{.duration = 2500 * kMillisecond};
  run.series.Add(0, Answers(10, 700));
  run.series.Add(2 * kSecond, Answers(6, 900));
  const auto rows = Rows(run);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].rate, 9);
  EXPECT_EQ(rows[0].errors, 1u);
  EXPECT_EQ(rows[1].sent, 0u);
  EXPECT_EQ(rows[1].begin_s, 1);
  EXPECT_EQ(rows[2].length_s, 0.5);
  EXPECT_EQ(rows[2].rate, 10);
  EXPECT_EQ(rows[2].response.p50, 900);
}

TEST(RowsTest, AShortRestBelongsToTheLastRow) {
  RunResult run{.duration = kSecond + 20 * kMillisecond};
  run.series.Add(0, Answers(10, 700));
  run.series.Add(kSecond, Answers(2, 900));
  const auto rows = Rows(run);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].sent, 12u);
  EXPECT_EQ(rows[0].length_s, 1.02);
}

TEST(RowsTest, NothingIsNoRow) {
  EXPECT_TRUE(Rows({}).empty());
  EXPECT_TRUE(Heat({}).empty());
}

TEST(HeatTest, EachRowHasItsLatenciesByBand) {
  RunResult run{.duration = 2500 * kMillisecond};
  run.series.Add(0, Answers(10, 1000));
  run.series.Add(100 * kMillisecond, Answers(3, 0));
  run.series.Add(2 * kSecond, Answers(6, 1300));
  const auto heat = Heat(run);
  ASSERT_EQ(heat.size(), Rows(run).size());
  EXPECT_THAT(heat[0].bands, ::testing::ElementsAre(::testing::Pair(0, 3), ::testing::Pair(30, 10)));
  EXPECT_TRUE(heat[1].bands.empty());
  EXPECT_THAT(heat[2].bands, ::testing::ElementsAre(::testing::Pair(31, 6)));
}

TEST(CsvTest, LatenciesAreEmptyWhereNothingEnded) {
  RunResult run{.duration = 2 * kSecond};
  run.series.Add(kSecond, Answers(10, 700));
  const auto csv = ToCsv(Rows(run));
  EXPECT_THAT(csv, HasSubstr("begin_s,length_s,sent,completed,ok,errors,rate_rps,response_p50_us,"));
  EXPECT_THAT(csv, HasSubstr("\n0.000,1.000,0,0,0,0,0.0,,,,,,,,,,,,,,,,0,0,"));
  EXPECT_THAT(csv, HasSubstr("\n1.000,1.000,10,9,9,1,9.0,700,700,700,700,700.0,,"));
}

/// The fields of one column, from its name on.
std::vector<std::string> Column(const std::string& csv, const std::string& name) {
  std::vector<std::string> column;
  std::istringstream lines(csv);
  std::size_t place = 0;
  for (std::string line; std::getline(lines, line);) {
    std::vector<std::string> fields;
    std::istringstream rest(line + ",");
    for (std::string field; std::getline(rest, field, ',');) fields.push_back(field);
    if (column.empty()) place = static_cast<std::size_t>(std::ranges::find(fields, name) - fields.begin());
    column.push_back(place < fields.size() ? fields[place] : "none");
  }
  return column;
}

TEST(CsvTest, EachKindOfErrorHasAColumn) {
  RunResult run{.duration = 2 * kSecond};
  run.series.Add(kSecond, Answers(10, 700));
  const auto csv = ToCsv(Rows(run));
  EXPECT_THAT(Column(csv, "error_truncated"), ElementsAre("error_truncated", "0", "1"));
  EXPECT_THAT(Column(csv, "error_refused"), ElementsAre("error_refused", "0", "0"));
  EXPECT_THAT(csv, Not(HasSubstr("error_ok")));
}

TEST(CsvTest, UrlsBeyondTheMostTimedAreToldTogether) {
  SeriesRow row{.length_s = 1};
  row.targets.resize(TargetCutter::kOthers + 1);
  row.targets.back() = {.sent = 9, .ok = 4, .errors = {{Outcome::kRefused, 3}, {Outcome::kTls, 2}}};
  std::vector<std::string> urls;
  for (int i = 0; i < 100; ++i) urls.push_back(std::to_string(i));
  const auto csv = ToCsv({row}, urls);
  EXPECT_THAT(Column(csv, "\"(68 others) sent\""), ElementsAre(_, "9"));
  EXPECT_THAT(Column(csv, "\"(68 others) errors\""), ElementsAre(_, "5"));
  EXPECT_THAT(Column(csv, "\"(68 others) refused\""), ElementsAre(_, "3"));
  EXPECT_THAT(csv, HasSubstr("\"31 p99_us\""));
  EXPECT_THAT(csv, Not(HasSubstr("\"32 ")));
}

TEST(CsvTest, SeveralUrlsHaveColumnsOfTheirOwn) {
  SeriesRow row{.length_s = 1,
                .targets = {{.sent = 3,
                             .ok = 2,
                             .errors = {{Outcome::kRefused, 1}},
                             .response = {.count = 3, .p50 = 7, .p99 = 9}}}};
  const auto csv = ToCsv({row}, {"http://h/a,\"b", "http://h/c"});
  EXPECT_NE(csv.find(",\"http://h/a,\"\"b sent\""), csv.npos);
  EXPECT_NE(csv.find(",\"http://h/c p99_us\"\n"), csv.npos);
  EXPECT_NE(csv.find(",3,2,1,7,9,1,0,0,0,,\n"), csv.npos);
}

TEST(CsvTest, OfSeveralUrlsThePhasesThatThereWereHaveColumns) {
  SeriesRow row{.length_s = 1, .targets = {{.sent = 2, .ok = 2}, {.sent = 1}}};
  row.targets[0].phases[0] = {.count = 1, .sum = 30};
  row.targets[0].phases[2] = {.count = 2, .sum = 25};
  SeriesRow next{.begin_s = 1, .length_s = 1, .targets = {{.sent = 1}}};
  const auto csv = ToCsv({row, next}, {"a", "b"});
  EXPECT_THAT(Column(csv, "\"a connect_mean_us\""), ElementsAre(_, "30.0", ""));
  EXPECT_THAT(Column(csv, "\"a first_byte_mean_us\""), ElementsAre(_, "12.5", ""));
  EXPECT_THAT(csv, Not(HasSubstr("a tls_mean_us")));
  EXPECT_THAT(csv, Not(HasSubstr("b first_byte_mean_us")));
}

}  // namespace
}  // namespace hydrapool::loadgen
