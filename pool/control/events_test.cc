#include "pool/control/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "pool/shared/scoreboard.h"

namespace hydrapool::control {
namespace {

std::vector<std::string> Names(const std::vector<nlohmann::ordered_json>& events) {
  std::vector<std::string> names;
  for (const auto& event : events) names.push_back(event.at("event"));
  return names;
}

Seen TwoReadyWorkers() {
  Seen seen;
  seen.counts[Seen::kParents] = seen.counts[Seen::kPrograms] = 1;
  seen.counts[Seen::kWorkers] = 2;
  seen.slots = {{.incarnation = 1, .ready = true}, {.incarnation = 1, .ready = true}};
  return seen;
}

TEST(EventsTest, NothingIsToldOfWhatStays) {
  EXPECT_TRUE(Compare(TwoReadyWorkers(), TwoReadyWorkers(), {}).empty());
}

TEST(EventsTest, ADeathAndWhatFollowsFromIt) {
  Seen after = TwoReadyWorkers();
  after.counts[Seen::kDeaths] = 1;
  after.counts[Seen::kRescuedIdle] = 4;
  after.counts[Seen::kCut] = 1;
  after.slots[1] = {.incarnation = 2, .ready = true};
  const std::array deaths{
      WorkerDeath{.lived = sys::kSecond, .slot = 1, .pid = 4711, .cause = 2, .carried = 4, .harmed = 1}};
  const auto events = Compare(TwoReadyWorkers(), after, deaths);
  EXPECT_THAT(Names(events), ::testing::ElementsAre("worker-ended", "rescued", "harmed", "worker-ready"));
  EXPECT_EQ(events[0].dump(),
            R"({"event":"worker-ended","slot":1,"pid":4711,"cause":"SIGKILL","lived_s":1.0,)"
            R"("carried":4,"harmed":1})");
  EXPECT_EQ(events[1].dump(), R"({"event":"rescued","idle":4,"in_hand":0})");
  EXPECT_EQ(events[2].dump(), R"({"event":"harmed","cut":1})");
  EXPECT_EQ(events[3].dump(), R"({"event":"worker-ready","slot":1,"incarnation":2})");
}

TEST(EventsTest, MoreDeathsThanAreKeptAreCounted) {
  Seen after = TwoReadyWorkers();
  after.counts[Seen::kDeaths] = 5;
  const std::vector<WorkerDeath> deaths(2);
  const auto events = Compare(TwoReadyWorkers(), after, deaths);
  EXPECT_THAT(Names(events), ::testing::ElementsAre("missed-ends", "worker-ended", "worker-ended"));
  EXPECT_EQ(events[0].at("ends"), 3);
}

TEST(EventsTest, ParentsProgramsSizesAndDrainedSlots) {
  Seen after = TwoReadyWorkers();
  after.counts[Seen::kParents] = after.counts[Seen::kPrograms] = 2;
  after.counts[Seen::kRefused] = 1;
  after.counts[Seen::kWorkers] = 3;
  after.counts[Seen::kDraining] = 1;
  after.slots[0].drained = true;
  after.slots.push_back({.incarnation = 1, .ready = false});
  EXPECT_THAT(Names(Compare(TwoReadyWorkers(), after, {})),
              ::testing::ElementsAre("program-replaced", "parent-replaced", "program-refused", "resized",
                                     "draining", "slot-drained"));
  EXPECT_THAT(Names(Compare(after, TwoReadyWorkers(), {})),
              ::testing::ElementsAre("program-replaced", "parent-replaced", "resized", "slot-filled"))
      << "a server that was started anew";
}

TEST(EventsTest, ACursorIsReadBack) {
  Seen seen = TwoReadyWorkers();
  seen.counts[Seen::kLost] = UINT64_MAX;
  seen.slots[1].drained = true;
  EXPECT_EQ(Seen::Parse(seen.Cursor()), seen);
  for (const char* wrong :
       {"", ".", "1", "1.2.3", "x", "1.1.1.1.1.1.1.1.1.1.1.1.-1", "99999999999999999999999"})
    EXPECT_FALSE(Seen::Parse(wrong)) << wrong;
}

}  // namespace
}  // namespace hydrapool::control
