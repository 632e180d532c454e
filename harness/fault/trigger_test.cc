#include "harness/fault/trigger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string_view>

#include "harness/fault/programs.h"

namespace hydrapool::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ProcessView Worker(pid_t pid, std::int64_t busy, std::int64_t leases) {
  return {.identity = {.pid = pid, .start_time = 1}, .slot = {}, .busy = busy, .leases = leases};
}

TEST(TriggerTest, EachNameIsReadAsItIsWritten) {
  for (const Pace pace : {Pace::kSteady, Pace::kPoisson}) EXPECT_EQ(*ParsePace(Name(pace)), pace);
  for (const Phase phase : {Phase::kIdle, Phase::kReading, Phase::kExecuting, Phase::kResponding})
    EXPECT_EQ(*ParsePhase(Name(phase)), phase);
  EXPECT_THAT(ParsePhase("executin").error().message, HasSubstr("did you mean 'executing'?"));
}

TEST(InPhaseTest, GoesByRequestsInExecutionAndLeases) {
  const std::array workers{Worker(10, 0, 0), Worker(11, 0, 3), Worker(12, 2, 2), Worker(13, 1, 4)};
  EXPECT_THAT(InPhase(workers, Phase::kIdle), ElementsAre(workers[0], workers[1]));
  EXPECT_THAT(InPhase(workers, Phase::kReading), ElementsAre(workers[1], workers[3]));
  EXPECT_THAT(InPhase(workers, Phase::kExecuting), ElementsAre(workers[2], workers[3]));
  EXPECT_THAT(InPhase(workers, Phase::kResponding), ElementsAre(workers[2], workers[3]));
}

TEST(TriggerTest, APhaseIsOfAWorkerAndAPaceOfTimes) {
  const Trigger executing{.phase = Phase::kExecuting};
  EXPECT_FALSE(WhyNotTogether(executing, Target::kOldest));
  EXPECT_FALSE(WhyNotTogether(executing, Target(Target::kSlot, 2)));
  for (const auto kind : {Target::kParent, Target::kAny, Target::kServer, Target::kCgiOf})
    EXPECT_THAT(WhyNotTogether(executing, kind).value_or(""), HasSubstr("is of a worker"));
  EXPECT_TRUE(WhyNotTogether({.pace = Pace::kPoisson, .requests = 5}, Target::kRandom));
  EXPECT_TRUE(executing.needs_status());
  EXPECT_FALSE(Trigger{.pace = Pace::kPoisson}.needs_status());
}

TEST(ProgramsTest, TheControlSocketIsThatOfTheCommandLine) {
  using namespace std::string_view_literals;
  EXPECT_EQ(ControlPathIn("hydrapool\0--control\0/run/h.sock\0--workers\0"sv), "/run/h.sock");
  EXPECT_EQ(ControlPathIn("hydrapool\0--control=/run/h\0"sv), "/run/h");
  EXPECT_EQ(ControlPathIn("hydrapool\0--control"sv), std::nullopt);
  EXPECT_EQ(ControlPathIn(""), std::nullopt);
}

TEST(ProgramsTest, ALeaseTellsWhoseItsClientIs) {
  const auto slots = SlotsOfPeers(R"({"lease":1,"peer":"127.0.0.1:40112","phase":"executing","slot":2,"pid":9}
{"lease":2,"peer":"[::1]:40113","phase":"idle","slot":null,"pid":null}
{"ok":true}
no JSON)");
  EXPECT_THAT(slots, ElementsAre(testing::Pair("127.0.0.1:40112", 2)));
}

}  // namespace
}  // namespace hydrapool::harness
