#include "loadgen/report/fault_spans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using ::testing::HasSubstr;

constexpr const char* kJournal =
    R"({"id":1,"t_ms":5.0,"unix_ms":1700000001500,"fault":"kill","target":"random","slot":2,"pid":42,"dead_us":250000,"outcome":"dead"}
{"id":2,"t_ms":6.0,"unix_ms":1700000002000,"fault":"stop","target":"all","pid":43,"outcome":"alive"}
{"id":3,"t_ms":6.0,"unix_ms":1700000002000,"fault":"kill","target":"all","outcome":"missed","reason":"nobody"}
{"id":4,"t_ms":6.0,"unix_ms":1700000990000,"fault":"kill","target":"all","pid":44,"outcome":"dead"}
)";

TEST(FaultsTest, ThoseOfTheRunOnItsOwnClock) {
  const auto faults = ParseFaults(kJournal, 1'700'000'000'000, 10);
  ASSERT_TRUE(faults) << faults.error().message;
  ASSERT_EQ(faults->size(), 2u);
  EXPECT_EQ(faults->at(0).from_s, 1.5);
  EXPECT_EQ(faults->at(0).to_s, 1.75);
  EXPECT_EQ(faults->at(0).label, "kill of slot 2 (pid 42)");
  EXPECT_EQ(faults->at(1).to_s, 2.0);
  EXPECT_EQ(faults->at(1).label, "stop (pid 43)");
}

TEST(FaultsTest, TheErrorNamesTheLine) {
  const auto faults = ParseFaults("\n{\"id\":1}\n", 0, 10);
  ASSERT_FALSE(faults);
  EXPECT_THAT(faults.error().message, HasSubstr("line 2"));
  EXPECT_TRUE(ParseFaults("", 0, 10));
}

}  // namespace
}  // namespace hydrapool::loadgen
