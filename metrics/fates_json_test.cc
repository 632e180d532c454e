#include "metrics/fates_json.h"

#include <gtest/gtest.h>

#include "pool/testing/json.h"

namespace hydrapool::metrics {
namespace {

using hydrapool::Fate;

nlohmann::json Page(const hydrapool::FateJournal& journal) {
  return support::ParseJson(FatesJson(journal, 4711));
}

TEST(FatesJsonTest, TellsWhoseConnectionItWasAndWhatBecameOfIt) {
  hydrapool::FateJournal journal;
  journal.Add({.at = 17,
               .peer = "[::1]:40112",
               .worker = 2,
               .pid = 99,
               .phase = hydrapool::Phase::kExecutingOnce,
               .kind = Fate::Kind::kLost});
  journal.Add({.at = 18, .peer = "?", .kind = Fate::Kind::kUnavailable});
  const auto json = Page(journal);
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["pid"], 4711);
  EXPECT_EQ(json["total"], 2);
  EXPECT_EQ(json["fates"][0].dump(),
            R"({"at_ns":17,"fate":"lost","peer":"[::1]:40112","phase":"executing","pid":99,"slot":2})");
  EXPECT_TRUE(json["fates"][1]["pid"].is_null());
  EXPECT_EQ(json["fates"][1]["fate"], "unavailable");
}

TEST(FatesJsonTest, AFullJournalForgetsTheOldestAndCountsAll) {
  hydrapool::FateJournal journal;
  for (std::size_t i = 0; i < hydrapool::FateJournal::kMost + 3; ++i)
    journal.Add({.at = static_cast<sys::Nanos>(i), .peer = "p"});
  const auto json = Page(journal);
  EXPECT_EQ(json["total"], hydrapool::FateJournal::kMost + 3);
  EXPECT_EQ(json["fates"].size(), hydrapool::FateJournal::kMost);
  EXPECT_EQ(json["fates"][0]["at_ns"], 3);
}

TEST(FatesJsonTest, AnEmptyJournalIsWholeJson) {
  EXPECT_TRUE(Page(hydrapool::FateJournal())["fates"].empty());
}

}  // namespace
}  // namespace hydrapool::metrics
