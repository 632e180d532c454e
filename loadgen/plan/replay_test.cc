#include "loadgen/plan/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "loadgen/plan/agenda.h"
#include "loadgen/plan/har_file.h"
#include "loadgen/plan/line_file.h"
#include "loadgen/plan/text_template.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool::loadgen {
namespace {

using sys::kMillisecond;
using sys::kSecond;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Line(const char* second, const char* request) {
  return std::string("h - - [10/Oct/2025:11:55:") + second + " +0000] \"" + request + " HTTP/1.1\" 200 1\n";
}

class ReplayTest : public ::testing::Test {
 protected:
  Plan Read(const std::string& text, const ReplayRules& rules = {}, const std::string& base = "http://h") {
    Plan plan;
    const auto filled = Fill(text, rules, base, plan);
    EXPECT_TRUE(filled) << filled.error().message;
    return plan;
  }
  sys::Result<void> Fill(const std::string& text, const ReplayRules& rules, const std::string& base,
                         Plan& plan) {
    std::ofstream(scratch_ / "log") << text;
    return FillReplay(scratch_ / "log", base, {"X: 1"}, rules, plan);
  }
  static std::vector<sys::Nanos> DueTimes(const Plan& plan) {
    std::vector<sys::Nanos> due;
    for (const auto& request : plan.arrivals.replay->requests) due.push_back(request.due);
    return due;
  }

 private:
  sys::ScratchDir scratch_{"loadgen-replay"};
};

TEST_F(ReplayTest, RequestsComeWhenTheyCame) {
  const auto plan =
      Read(Line("38", "GET /b") + Line("36", "GET /a") + Line("36", "GET /b") + "\n" + Line("38", "HEAD /a"));
  EXPECT_THAT(DueTimes(plan), ElementsAre(0, kSecond / 2, 2 * kSecond, 2 * kSecond + kSecond / 2))
      << "within a second that is known by the second only they are spread";
  EXPECT_THAT(UrlsOf(plan), ElementsAre("http://h/b", "http://h/a", "http://h/a"));
  EXPECT_EQ(plan.targets[2].method, "HEAD");
  EXPECT_THAT(plan.targets[0].headers, ElementsAre("X: 1"));
  EXPECT_EQ(plan.arrivals.duration, 2 * kSecond + kSecond / 2 + kMillisecond);
  EXPECT_EQ(plan.arrivals.replay->left_out, "");
}

TEST_F(ReplayTest, FasterAndTogetherTheThreadsSendItWhole) {
  auto plan = Read(Line("36", "GET /a") + Line("40", "GET /b") + Line("44", "GET /c"), {.speed = 4});
  EXPECT_THAT(DueTimes(plan), ElementsAre(0, kSecond, 2 * kSecond));
  plan.threads = 2;
  Agenda one(plan, 0, 10);
  Agenda two(plan, 1, 10);
  EXPECT_EQ(one.Scheduled() + two.Scheduled(), 3u);
  EXPECT_EQ(one.next_url(), 0u);
  EXPECT_EQ(one.Take(10, 0)->due, 10);
  EXPECT_FALSE(one.Take(kSecond, 0));
  EXPECT_EQ(two.NextDue(), 10 + kSecond);
  EXPECT_EQ(one.Take(2 * kSecond + 10, 0)->url, 2u);
  EXPECT_EQ(one.NextDue(), Agenda::kNever);
  EXPECT_EQ(one.next_url(), 0u) << "there is none";
}

TEST_F(ReplayTest, WhatMayChangeSomethingIsLeftOutUnlessAskedFor) {
  const auto log = Line("36", "GET /a") + Line("36", "DELETE /a") + "what is this\n";
  const auto safe = Read(log);
  EXPECT_EQ(safe.targets.size(), 1u);
  EXPECT_THAT(
      safe.arrivals.replay->left_out,
      HasSubstr(
          "of 2 requests 1 are replayed; left out were 1 that may change something (--replay-unsafe) and "
          "1 lines that are no request"));
  EXPECT_EQ(Read(log, {.unsafe = true}).targets.size(), 2u);
}

TEST_F(ReplayTest, AFilterSaysWhichAndTheRestIsCounted) {
  const auto log = Line("36", "GET /a") + Line("37", "GET /b") + Line("38", "HEAD /a") +
                   R"({"ts": 1760097339, "method": "GET", "uri": "/a", "status": "404"})" + "\n";
  const auto only = [](std::vector<std::string> rules) {
    return ReplayRules{.only = *ReplayFilter::Parse(rules)};
  };
  const auto plan = Read(log, only({"path=^/a$", "method=GET"}));
  EXPECT_THAT(DueTimes(plan), ElementsAre(0, 3 * kSecond));
  EXPECT_THAT(plan.arrivals.replay->left_out, HasSubstr("of 4 requests 2 are replayed"));
  EXPECT_THAT(plan.arrivals.replay->left_out, HasSubstr("and 2 by --replay-only"));
  EXPECT_EQ(Read(log, only({"status=404"})).arrivals.replay->requests.size(), 1u);
  EXPECT_EQ(Read(log, only({"status=2xx"})).arrivals.replay->requests.size(), 3u);
  const char* har = R"({"log": {"entries": [
    {"startedDateTime": "2025-10-10T11:55:36Z", "request": {"method": "GET", "url": "http://s/a"}, "response": {"status": 200}},
    {"startedDateTime": "2025-10-10T11:55:36Z", "request": {"method": "GET", "url": "http://s/b"}, "response": {"status": 500}},
    {"startedDateTime": "2025-10-10T11:55:36Z", "request": {"method": "GET", "url": "http://s/c"}}]}})";
  EXPECT_THAT(UrlsOf(Read(har, only({"status=5xx"}), "")), ElementsAre("http://s/b"));
}

TEST_F(ReplayTest, AnArchiveKnowsItsHostsHeadersAndBodies) {
  const char* har = R"({"log": {"version": "1.2", "entries": [
    {"startedDateTime": "2025-10-10T11:55:36.500Z", "request": {"method": "POST", "url": "http://shop/a?b",
     "headers": [{"name": ":authority", "value": "shop"}, {"name": "Host", "value": "shop"}, {"name": "A", "value": "b"}, {"name": "x", "value": "2"}],
     "postData": {"text": "{counter}"}}},
    {"startedDateTime": "2025-10-10T11:55:36.250Z", "request": {"method": "GET", "url": "http://shop/", "headers": []}},
    {"startedDateTime": "2025-10-10T11:55:36.250Z", "request": {"method": "GET", "url": "data:text/plain,x"}}]}})";
  const auto plan = Read(har, {.unsafe = true}, "");
  EXPECT_THAT(UrlsOf(plan), ElementsAre("http://shop/a?b", "http://shop/"));
  EXPECT_THAT(plan.arrivals.replay->left_out, HasSubstr("and 1 lines that are no request")) << "data:";
  EXPECT_THAT(DueTimes(plan), ElementsAre(0, 250 * kMillisecond));
  EXPECT_THAT(plan.targets[0].headers, ElementsAre("A: b", "X: 1"));
  EXPECT_TRUE(plan.targets[0].body.as_it_is());
  EXPECT_THAT(UrlsOf(Read(har, {.unsafe = true}, "http://other:81")),
              ElementsAre("http://other:81/a?b", "http://other:81/"));
}

TEST_F(ReplayTest, AnArchivesFormsAreSent) {
  const auto entry = [](const std::string& data) {
    return R"({"log": {"entries": [{"startedDateTime": "2025-10-10T11:55:36Z", "request": {"method": "POST",
      "url": "http://shop/", "postData": )" +
           data + "}}]}}";
  };
  const auto form = R"({"mimeType": "application/x-www-form-urlencoded; charset=UTF-8", "params": [
    {"name": "a", "value": "x y"}, {"name": "b"}]})";
  EXPECT_EQ(Read(entry(form), {.unsafe = true}, "").targets[0].body, "a=x%20y&b=");
  EXPECT_EQ(Read(entry("null"), {.unsafe = true}, "").targets[0].body, "");
}

TEST_F(ReplayTest, AnArchivesBodyOfBytesIsDecodedAndOneThatIsNotThereIsLeftOut) {
  const auto entry = [](const std::string& data) {
    return R"({"startedDateTime": "2025-10-10T11:55:36Z", "request": {"method": "POST", "url": "http://shop/",
      "postData": )" +
           data + "}}";
  };
  const auto bytes = entry(R"({"text": "AP97Y30=", "encoding": "base64"})");
  const auto parts = entry(R"({"mimeType": "multipart/form-data", "params": [{"name": "a"}]})");
  const auto broken = entry(R"({"text": "AP9*", "encoding": "base64"})");
  const auto archive = R"({"log": {"entries": [)" + bytes + "," + parts + "," + broken + "]}}";
  const auto plan = Read(archive, {.unsafe = true}, "");
  ASSERT_EQ(plan.targets.size(), 1u);
  EXPECT_EQ(plan.targets[0].body, std::string_view("\0\xff{c}", 5));
  EXPECT_TRUE(plan.targets[0].body.as_it_is());
  EXPECT_THAT(plan.arrivals.replay->left_out, HasSubstr("of 3 requests 1 are replayed"));
  EXPECT_THAT(plan.arrivals.replay->left_out, HasSubstr("2 whose body the archive does not have"));
  const auto har = ParseHar(archive);
  ASSERT_TRUE(har);
  EXPECT_EQ(har->entries[1].lacks, "of its body only the fields are there and not the text");
  EXPECT_EQ(har->entries[2].lacks, "its body says that it is base64 and is not");
}

TEST_F(ReplayTest, NothingGoesToAnotherHost) {
  const auto plan =
      Read(Line("36", "GET //evil/x") + Line("36", "GET http://evil/y") + Line("36", "GET http://h:81/z?q") +
               Line("36", "GET https://h:81/") + Line("36", "GET http:evil/") + Line("36", "GET /\\evil") +
               Line("36", "GET @evil/"),
           {}, "http://ann:secret@h:81/base");
  EXPECT_THAT(UrlsOf(plan), ElementsAre("http://h:81//evil/x", "http://h:81/z?q", "http://h:81/\\evil"));
  EXPECT_EQ(plan.targets[0].user, "ann:secret");
  EXPECT_THAT(plan.arrivals.replay->left_out,
              HasSubstr("2 lines that are no request, and 2 to another host"));
}

TEST_F(ReplayTest, NorDoesWhatAnArchiveHas) {
  const auto entry = [](const std::string& url) {
    return R"({"startedDateTime": "2025-10-10T11:55:36Z", "request": {"method": "GET", "url": ")" + url +
           "\"}}";
  };
  const auto plan = Read(R"({"log": {"entries": [)" + entry("http://shop//evil/x") + "," +
                             entry("http.evil/x") + "," + entry("https://shop?q") + "]}}",
                         {}, "http://h");
  EXPECT_THAT(UrlsOf(plan), ElementsAre("http://h//evil/x", "http://h/?q"));
}

TEST_F(ReplayTest, NothingInALogIsReplaced) {
  const auto plan = Read(Line("36", "GET /{line:/etc/passwd}?{counter}{x}"));
  LineFiles files;
  EXPECT_TRUE(LoadLines(plan.targets[0].url, Place::kUrl, files));
  EXPECT_TRUE(files.empty());
  std::string sent;
  TextTemplate(plan.targets[0].url, {}).Expand(1, 2, sent);
  EXPECT_EQ(sent, "http://h/{line:/etc/passwd}?{counter}{x}");
  const auto har = Read(R"({"log": {"entries": [{"startedDateTime": "2025-10-10T11:55:36Z", "request":
    {"method": "GET", "url": "http://shop/{random}", "headers": [{"name": "A", "value": "{line:/etc/passwd}"}]}}]}})",
                        {}, "");
  EXPECT_THAT(har.targets[0].headers, ElementsAre("A: {brace}line:/etc/passwd}", "X: 1"));
  EXPECT_THAT(UrlsOf(har), ElementsAre("http://shop/{brace}random}"));
}

TEST_F(ReplayTest, WhetherALogKnowsSecondsOnlyIsAskedOfTheWholeOfIt) {
  const auto line = [](const char* time) {
    return std::string(R"({"ts": )") + time + R"(, "method": "GET", "uri": "/"})" + "\n";
  };
  const auto exact = Read(line("1760097336") + line("1760097336") + line("\"2025-10-10T11:55:36.25Z\""));
  EXPECT_THAT(DueTimes(exact), ElementsAre(0, 0, kSecond / 4));
  const auto whole = Read(line("1760097336") + line("1760097336") + line("1760097337"));
  EXPECT_THAT(DueTimes(whole), ElementsAre(0, kSecond / 2, kSecond));
}

TEST_F(ReplayTest, MistakesAreSaid) {
  const auto complaint = [this](const std::string& text, const std::string& base = "http://h") {
    Plan plan;
    const auto filled = Fill(text, {}, base, plan);
    return filled ? "no complaint" : filled.error().message;
  };
  EXPECT_THAT(complaint(Line("36", "GET /a"), ""), HasSubstr("needs the URL to which its requests go"));
  EXPECT_THAT(complaint("what\nis this\n"), HasSubstr("has no requests to replay: of 0 requests"));
  EXPECT_THAT(complaint(R"({"log": {"entries": [{"request": {}}]}})"), HasSubstr("entry 1: "));
  EXPECT_THAT(complaint(R"({"log": 5})"), HasSubstr("not an HTTP Archive"));
}

}  // namespace
}  // namespace hydrapool::loadgen
