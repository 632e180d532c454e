#include "metrics/open_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>

#include "metrics/family.h"
#include "metrics/metrics_page.h"

namespace hydrapool::metrics {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

std::string Page(const hydrapool::Scoreboard& board) {
  return RenderOpenMetrics(board, {.version = "1.2.3"});
}

TEST(OpenMetricsTest, ACounterFamilyLosesItsEndingAndItsSampleKeepsIt) {
  prometheus::MetricFamily family = CounterFamily("deaths_total", "A \"help\" of\ntwo \\ lines.");
  AddSample(family, 3, {{"cause", "a\"b\\c\nd"}});
  EXPECT_EQ(OpenMetricsText({family}, {}),
            "# HELP deaths A \\\"help\\\" of\\ntwo \\\\ lines.\n# TYPE deaths counter\n"
            "deaths_total{cause=\"a\\\"b\\\\c\\nd\"} 3\n# EOF\n");
}

TEST(OpenMetricsTest, ABucketNamesTheRequestThatFellIntoIt) {
  prometheus::MetricFamily family = HistogramFamily("wait_seconds", "Waits.");
  AddHistogram(family, {}, {{"code", "2xx"}});
  const std::string text = OpenMetricsText({family}, [](const auto&, const auto&, std::size_t bucket) {
    return bucket == 18 ? std::optional(hydrapool::Exemplar{
                              .duration = 7'500'000'000, .at = 1'700'000'000'250'000'000, .id = "abc"})
                        : std::nullopt;
  });
  EXPECT_THAT(text, HasSubstr("wait_seconds_bucket{code=\"2xx\",le=\"10.0\"} 0 # {request_id=\"abc\"} 7.5 "
                              "1700000000.250\n"));
  EXPECT_THAT(
      text,
      HasSubstr("wait_seconds_bucket{code=\"2xx\",le=\"+Inf\"} 0\nwait_seconds_count{code=\"2xx\"} 0\n"));
}

/// A name, labels or nothing, a number: the family that the sample belongs to; "" where it is no sample.
std::string FamilyOf(std::string line) {
  if (const auto exemplar = line.find(" # {request_id=\""); exemplar != line.npos) line.resize(exemplar);
  const auto space = line.rfind(' ');
  std::size_t digits = 0;
  if (space == line.npos) return "";
  static_cast<void>(std::stod(line.substr(space + 1), &digits));
  const std::string series = line.substr(0, space);
  if (digits + space + 1 != line.size() || series.ends_with('}') != (series.find('{') != series.npos))
    return "";
  std::string name = series.substr(0, series.find('{'));
  for (const std::string ending : {"_total", "_bucket", "_count", "_sum"}) {
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  }
  return name;
}

TEST(OpenMetricsTest, ThePageHasEachFamilyInOnePieceAndAnEnd) {
  const hydrapool::Scoreboard board(2);
  board.parts().Enter("/cgi-bin/");
  board.slot(0).request_seconds.Observe(1, 2, sys::kMillisecond);
  board.exemplars().Note(2, {.part = 1, .duration = sys::kMillisecond, .at = 1, .id = "r-1"});
  const std::string page = Page(board);
  EXPECT_THAT(page, EndsWith("\n# EOF\n"));
  EXPECT_THAT(page, HasSubstr("# {request_id=\"r-1\"}"));
  std::set<std::string> families;
  std::string present;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line) && line != "# EOF";) {
    if (line.starts_with("# TYPE ")) {
      present = line.substr(7, line.rfind(' ') - 7);
      EXPECT_TRUE(families.insert(present).second) << line;
    } else if (!line.starts_with("# HELP ")) {
      EXPECT_EQ(FamilyOf(line), present) << line;
    }
  }
  EXPECT_GT(families.size(), 30u);
}

TEST(OpenMetricsTest, AnExemplarStandsAtItsOwnMountAndClassOnly) {
  const hydrapool::Scoreboard board(1);
  const std::uint8_t cgi = board.parts().Enter("/cgi-bin/");
  board.exemplars().Note(2, {.part = cgi, .duration = 2 * sys::kMillisecond, .at = 1, .id = "r-1"});
  const std::string page = Page(board);
  EXPECT_THAT(page,
              HasSubstr(R"({mount="/cgi-bin/",code="2xx",le="0.0025"} 0 # {request_id="r-1"} 0.002 0.000)"));
  const auto at = page.find("# {request_id=");
  EXPECT_EQ(page.find("# {request_id=", at + 1), page.npos);
}

TEST(OpenMetricsTest, IsGivenToThoseWhoAskForIt) {
  const struct {
    const char* accept;
    bool wants;
  } cases[] = {
      {"", false},
      {"*/*", false},
      {"text/plain", false},
      {"application/openmetrics-text", true},
      {"application/openmetrics-text; version=1.0.0", true},
      {"Application/OpenMetrics-Text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true},
      {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
       "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       true},
      {"application/openmetrics-text;q=0", false},
      {"application/openmetrics-text;q=0.2, text/plain;q=0.9", false},
      {"application/openmetrics-textual", false},
      {";;,,;q=,application/openmetrics-text;q=x", false},
      {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
       "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2",
       true},
  };
  for (const auto& [accept, wants] : cases) EXPECT_EQ(WantsOpenMetrics(accept), wants) << accept;
}

}  // namespace
}  // namespace hydrapool::metrics
