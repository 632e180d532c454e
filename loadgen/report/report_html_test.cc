#include "loadgen/report/report_html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "loadgen/page/page.h"

namespace hydrapool::loadgen {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(JsonForHtmlTest, NoTagCanBeginInIt) {
  const nlohmann::ordered_json hostile = {{"worker", "</script><script>alert(1)</script><!--"}};
  const auto html = page::JsonForHtml(hostile);
  EXPECT_THAT(html, Not(HasSubstr("<")));
  EXPECT_EQ(nlohmann::ordered_json::parse(html), hostile);
}

TEST(PercentileCurveTest, GoesAsFarAsTheValuesTell) {
  LatencyHistogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.Record(i);
  const auto curve = PercentileCurve(histogram);
  EXPECT_EQ(curve.front().first, 0);
  EXPECT_EQ(curve.back().second, 1000);
  EXPECT_LT(curve.back().first, 99.96);
  for (std::size_t i = 1; i < curve.size(); ++i) EXPECT_GE(curve[i].second, curve[i - 1].second);
  EXPECT_TRUE(PercentileCurve({}).empty());
}

TEST(ReportHtmlTest, OfManyTargetsItShowsTheFirst) {
  Plan plan;
  for (int i = 0; i < 1000; ++i) plan.targets.push_back({.url = "http://h/" + std::to_string(i) + "/"});
  const auto html = ToHtml(MakeReport("raw", plan, {}));
  EXPECT_NE(html.find("http://h/99/"), html.npos);
  EXPECT_EQ(html.find("http://h/100/"), html.npos);
  EXPECT_NE(html.find("\"all_targets\":1000"), html.npos);
}

TEST(ReportHtmlTest, HasTheLatenciesByStatusAndOutcome) {
  RunResult run{.duration = sys::kSecond};
  run.tally.Sent({}, true);
  run.tally.Finished({}, {.outcome = Outcome::kBadStatus, .end = sys::kMillisecond, .status = 503});
  const auto html = ToHtml(MakeReport("raw", {.targets = {{.url = "http://h/"}}}, std::move(run)));
  EXPECT_NE(html.find("\"status\":{\"503\":{\"min\""), html.npos);
  EXPECT_NE(html.find("Response latency by status and outcome"), html.npos);
}

TEST(ReportHtmlTest, IsWholeAndNeedsNothingElse) {
  RunResult run{.duration = sys::kSecond};
  run.tally.workers["</script>"].requests = 3;
  const auto html = ToHtml(MakeReport("raw", {.targets = {{.url = "http://h/?a=<b>&c"}}}, std::move(run)));
  // Not EXPECT_THAT, which prints 130 kB where it fails.
  const auto has = [&html](std::string_view text) { return html.find(text) != html.npos; };
  EXPECT_TRUE(has("<title>loadgen: http://h/?a=&lt;b>&amp;c</title>"));
  EXPECT_TRUE(has("\\u003c/script>"));
  EXPECT_TRUE(has("Dygraph"));
  for (const auto* outside : {"<script src", "<link", "<img", "@import", "url("})
    EXPECT_FALSE(has(outside)) << outside;
}

}  // namespace
}  // namespace hydrapool::loadgen
