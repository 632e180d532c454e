#include "harness/verdict/timeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

Identity Pid(pid_t pid) { return {.pid = pid, .start_time = 1}; }

PoolStatus::Worker Worker(int slot, pid_t pid, bool ready, std::uint64_t requests) {
  return {.slot = slot, .pid = pid, .ready = ready, .requests = requests};
}

TEST(ReconstructTest, FollowsASlotToItsReplacementsFirstAnswer) {
  const std::vector<Victim> victims{{.identity = Pid(11), .slot = 1, .sent = 100, .dead = 110}};
  const std::vector<FamilySample> family{
      {0, {Pid(10), Pid(11)}}, {120, {Pid(10)}}, {130, {Pid(10), Pid(12)}}};
  const std::vector<StatusSample> status{{90, {Worker(1, 11, true, 50)}},
                                         {105, {Worker(1, 11, true, 55)}},
                                         {135, {Worker(1, 12, false, 56)}},
                                         {140, {Worker(1, 12, true, 56)}},
                                         {150, {Worker(1, 12, true, 57)}}};
  const auto timeline = Reconstruct(victims, family, status).front();
  EXPECT_EQ(timeline.dead, 110);
  EXPECT_EQ(timeline.reaped, 120);
  EXPECT_EQ(timeline.forked, 130);
  EXPECT_EQ(timeline.ready, 140);
  EXPECT_EQ(timeline.first_response, 150);
  EXPECT_FALSE(timeline.superseded);
}

TEST(ReconstructTest, AReplacementHitBeforeItAnswersIsSuperseded) {
  const std::vector<Victim> victims{{.identity = Pid(11), .slot = 1, .sent = 100, .dead = 110}};
  const std::vector<StatusSample> status{
      {135, {Worker(1, 12, true, 56)}}, {140, {}}, {150, {Worker(1, 13, true, 57)}}};
  const auto timeline = Reconstruct(victims, {}, status).front();
  EXPECT_EQ(timeline.forked, 135);
  EXPECT_TRUE(timeline.superseded);
  EXPECT_FALSE(timeline.first_response);
}

TEST(ReconstructTest, GoneBeforeThePidfdWasLookedAtMeansDeadByThen) {
  const std::vector<Victim> victims{{.identity = Pid(11), .slot = {}, .sent = 100, .dead = 125}};
  const std::vector<FamilySample> family{{0, {Pid(11)}}, {120, {}}};
  const auto timeline = Reconstruct(victims, family, {}).front();
  EXPECT_EQ(timeline.dead, 120);
  EXPECT_EQ(timeline.reaped, 120);
}

TEST(ReconstructTest, WithoutStatusTheKthNewChildReplacesTheKthDead) {
  const std::vector<Victim> victims{{.identity = Pid(10), .slot = {}, .sent = 100, .dead = 105},
                                    {.identity = Pid(11), .slot = {}, .sent = 101, .dead = 106},
                                    {.identity = Pid(12), .slot = {}, .sent = 200, .dead = 210}};
  const std::vector<FamilySample> family{
      {0, {Pid(10), Pid(11)}}, {110, {Pid(12)}}, {115, {Pid(12), Pid(13)}}, {220, {Pid(13)}}};
  const auto timelines = Reconstruct(victims, family, {});
  EXPECT_EQ(timelines[0].forked, 110);
  EXPECT_EQ(timelines[1].forked, 115);
  EXPECT_EQ(timelines[1].reaped, 110);
  EXPECT_FALSE(timelines[2].forked);
  EXPECT_EQ(timelines[2].reaped, 220);
  EXPECT_FALSE(timelines[2].ready);
}

TEST(ReconstructTest, AnotherProcessOfTheSameNumberIsNotTheVictim) {
  const std::vector<Victim> victims{{.identity = Pid(10), .slot = {}, .sent = 100, .dead = 105}};
  const std::vector<FamilySample> family{{0, {Pid(10)}}, {110, {{.pid = 10, .start_time = 2}}}};
  EXPECT_EQ(Reconstruct(victims, family, {}).front().reaped, 110);
}

TEST(ReconstructTest, ASurvivorHasNoTimeline) {
  const std::vector<Victim> victims{{.identity = Pid(10), .slot = {}, .sent = 100, .dead = {}}};
  EXPECT_EQ(Reconstruct(victims, {}, {}).front(), Timeline{});
}

}  // namespace
}  // namespace harness
