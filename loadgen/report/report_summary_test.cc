#include "loadgen/report/report_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A run of three requests: two answered in 10 ms, one refused.
Report ReportWith(std::vector<SloVerdict> slos) {
  RunResult run;
  run.start_unix_ms = 1'700'000'000'000;
  run.scheduled = 3;
  run.duration = run.sending = sys::kSecond;
  for (const auto outcome : {Outcome::kOk, Outcome::kOk, Outcome::kRefused}) {
    const Attempt attempt;
    run.tally.Sent(attempt, true);
    run.tally.Finished(attempt, {.outcome = outcome, .end = 10 * sys::kMillisecond, .detail = "a <b> | c"});
  }
  auto report = MakeReport("raw", {.targets = {{.url = "http://h/?a=1&b=\"2\""}}}, std::move(run));
  report.slos = std::move(slos);
  return report;
}

TEST(MarkdownTest, TellsWhatHeldAndWhatDidNot) {
  const auto text =
      ToMarkdown(ReportWith({{.text = "p99<50ms", .met = true, .shown = "10 ms", .samples = 3},
                             {.text = "errors<1%", .met = false, .shown = "33 %", .samples = 3}}));
  EXPECT_THAT(text, HasSubstr("## loadgen: FAILED\n"));
  EXPECT_THAT(text, HasSubstr("| ✅ | p99\\<50ms | 10 ms of 3 requests |\n"));
  EXPECT_THAT(text, HasSubstr("| ❌ | errors\\<1% | 33 % of 3 requests |\n"));
  EXPECT_THAT(text, HasSubstr("- refused: 1 (a \\<b\\> \\| c)\n"));
  EXPECT_THAT(ToMarkdown(ReportWith({})), HasSubstr("## loadgen: passed\n"));
}

TEST(MarkdownTest, HasWhatTheConnectionsSpoke) {
  auto report = ReportWith({});
  report.run.tally.connections = {.opened = 5, .http2 = 4, .tls = 4, .resumed = 1};
  report.run.tally.connections.addresses.Add({.address = "127.0.0.1:443", .tried = 5, .connected = 4});
  EXPECT_THAT(ToMarkdown(report),
              HasSubstr("\n- 4 connections made, 1 more tried, 4 HTTP/2, 4 TLS handshakes, 1 of "
                        "them resumed\n- 4 of 5 connections to 127.0.0.1:443\n"));
}

TEST(MarkdownTest, ARunThatIsNotValidDidNotPass) {
  auto report = ReportWith({});
  report.self = {.valid = false, .reason = "ports"};
  EXPECT_THAT(ToMarkdown(report), HasSubstr("## loadgen: INVALID\n"));
}

TEST(JUnitTest, EachObjectiveIsATest) {
  const auto xml = ToJUnit(ReportWith({{.text = "p99<50ms", .met = true, .shown = "10 ms", .samples = 3},
                                       {.text = "errors<1%", .met = false, .shown = "33 %", .samples = 3}}));
  EXPECT_THAT(
      xml,
      HasSubstr("tests=\"4\" failures=\"1\" errors=\"0\" time=\"1.000\" timestamp=\"2023-11-14T22:13:20\""));
  EXPECT_THAT(xml, HasSubstr("name=\"p99&lt;50ms\"><system-out>10 ms of 3 requests</system-out></testcase>"));
  EXPECT_THAT(xml,
              HasSubstr("name=\"errors&lt;1%\"><failure message=\"it is 33 % of 3 requests\"/></testcase>"));
  EXPECT_THAT(xml, HasSubstr("http://h/?a=1&amp;b=&quot;2&quot;"));
}

TEST(JUnitTest, WhatSaysNothingIsAnError) {
  auto report = ReportWith({});
  report.self = {.valid = false, .reason = "no \x01 ports"};
  report.aborted = "errors>5% after 3 s";
  const auto xml = ToJUnit(report);
  EXPECT_THAT(xml, HasSubstr("failures=\"1\" errors=\"1\""));
  EXPECT_THAT(xml, HasSubstr("name=\"the run is valid\"><error message=\"no "));
  EXPECT_THAT(xml, HasSubstr("name=\"no --abort-on came true\"><failure"));
  EXPECT_THAT(xml, Not(HasSubstr("\x01")));
}

TEST(JUnitTest, NoAnswerIsAFailure) {
  const auto report = MakeReport("raw", {.targets = {{.url = "http://h/"}}}, RunResult{});
  EXPECT_THAT(ToJUnit(report),
              HasSubstr("name=\"a server answered\"><failure message=\"no request was sent\"/>"));
}

TEST(AnnotationsTest, EachMissedObjectiveIsALineAsTheSystemReadsIt) {
  const auto report = ReportWith({{.text = "p99<50ms", .met = true, .shown = "10 ms", .samples = 3},
                                  {.text = "a,b: errors<1%", .met = false, .shown = "33 %", .samples = 3},
                                  {.text = "/[x|'y']: rps>5", .met = false, .shown = "1", .samples = 3}});
  EXPECT_EQ(ToAnnotations(report, CiSystem::kGitHub),
            "::error title=loadgen%3A a%2Cb%3A errors<1%25::it is 33 %25 of 3 requests\n"
            "::error title=loadgen%3A /[x|'y']%3A rps>5::it is 1 of 3 requests\n");
  EXPECT_THAT(
      ToAnnotations(report, CiSystem::kAzure),
      HasSubstr("##vso[task.logissue type=error]loadgen: a,b: errors<1%: it is 33 % of 3 requests\n"));
  EXPECT_THAT(
      ToAnnotations(report, CiSystem::kTeamCity),
      HasSubstr(
          "##teamcity[buildProblem description='loadgen: /|[x|||'y|'|]: rps>5: it is 1 of 3 requests']\n"));
  EXPECT_EQ(ToAnnotations(ReportWith({}), CiSystem::kGitHub), "");
}

}  // namespace
}  // namespace hydrapool::loadgen
