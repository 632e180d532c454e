#include "metrics/status_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <regex>
#include <string>

namespace hydrapool::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr sys::Nanos kNow = 1000 * sys::kSecond;

class StatusPageTest : public ::testing::Test {
 protected:
  StatusPageTest() {
    for (std::size_t i = 0; i < board_.workers(); ++i) {
      board_.life_of(i).state = hydrapool::WorkerState::kReady;
      board_.life_of(i).ready_at = kNow - 100 * sys::kSecond;
      board_.life_of(i).beat = kNow - sys::kMillisecond;
    }
  }
  [[nodiscard]] std::string Page() const {
    return StatusPage(
        board_, deaths_,
        {.pid = 4711, .version = "1.2.3", .dispatch = "lease", .balance = "least-busy", .now = kNow});
  }

  const hydrapool::Scoreboard board_{2};
  hydrapool::DeathJournal deaths_;
};

TEST_F(StatusPageTest, FetchesNothingFromElsewhere) {
  const std::string page = Page();
  EXPECT_THAT(page, Not(HasSubstr("http://")));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
  EXPECT_THAT(page, Not(HasSubstr("src=")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
}

TEST_F(StatusPageTest, EveryElementIsClosed) {
  deaths_.Add({.at = kNow, .slot = 1, .pid = 42});
  const std::string page = Page();
  for (const std::string name :
       {"html", "head", "body", "header", "main", "table", "thead", "tbody",  "tr",    "td", "th",    "div",
        "dl",   "dt",   "dd",   "p",      "span", "h1",    "h2",    "script", "style", "a",  "button"}) {
    const std::regex open("<" + name + "[ >]");
    const std::regex close("</" + name + ">");
    const auto count = [&page](const std::regex& what) {
      return std::distance(std::sregex_iterator(page.begin(), page.end(), what), std::sregex_iterator());
    };
    EXPECT_EQ(count(open), count(close)) << name;
    EXPECT_GT(count(open), 0) << name;
  }
}

TEST_F(StatusPageTest, SaysWhetherThePoolIsReadyAndWhyNot) {
  EXPECT_THAT(Page(), HasSubstr(R"(<span class="good">ready</span>)"));
  board_.signs().draining = true;
  EXPECT_THAT(Page(), HasSubstr(R"(<span class="bad">not ready: draining</span>)"));
}

TEST_F(StatusPageTest, AFrozenWorkerIsSaidToBeFrozen) {
  EXPECT_THAT(Page(), Not(HasSubstr(R"(<tr class="frozen">)")));
  EXPECT_THAT(Page(), Not(HasSubstr("workers frozen")));
  board_.life_of(1).beat = kNow - kFrozenShown;
  EXPECT_THAT(Page(), HasSubstr(R"(<span class="bad">1 of 2 workers frozen</span>)"));
  EXPECT_THAT(Page(), HasSubstr(R"(<tr class="frozen"><th scope="row">1</th>)"));
  EXPECT_THAT(Page(), HasSubstr(R"(<span class="bad">frozen</span></td><td>2.0 s ago</td>)"));
  EXPECT_THAT(Page(), HasSubstr(R"(<tr class="ready"><th scope="row">0</th>)"));
}

TEST_F(StatusPageTest, HasTheLastDeathsAndWhatBecameOfWhatTheyHeld) {
  EXPECT_THAT(Page(), HasSubstr("No worker has ended."));
  deaths_.Add({.at = kNow - 5 * sys::kSecond,
               .lived = 90 * sys::kSecond,
               .slot = 1,
               .pid = 4242,
               .cause = static_cast<std::uint32_t>(hydrapool::OutOfMemoryCause()),
               .carried = 7,
               .harmed = 0});
  EXPECT_THAT(Page(),
              HasSubstr(R"(<tr><td>5.0 s</td><td>1</td><td>4242</td><td class="text">out_of_memory</td>)"
                        R"(<td>90.0 s</td><td>7</td><td>0</td></tr>)"));
}

TEST_F(StatusPageTest, HasTotalsAndLimits) {
  board_.slot(0).replies[2].Add(30);
  board_.slot(1).replies[5].Add(10);
  board_.signs().connections_limit = 150;
  board_.counts().open_leases = 149;
  const std::string page = Page();
  EXPECT_THAT(page, HasSubstr(R"(<span data-n="requests" data-v="40">40</span>)"));
  EXPECT_THAT(page, HasSubstr(R"(<span data-n="errors" data-v="10">10</span>)"));
  EXPECT_THAT(page, HasSubstr("<td>75 %</td>"));
  EXPECT_THAT(page, HasSubstr("<dd>149 of 150</dd>"));
}

}  // namespace
}  // namespace hydrapool::metrics
