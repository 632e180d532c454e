#include "harness/observe/timeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::harness {
namespace {

Identity Pid(pid_t pid, std::uint64_t start_time = 1) { return {.pid = pid, .start_time = start_time}; }

/// The worker of slot 1 in its n-th life has the pid 10 + n.
PoolStatus::Worker Worker(int slot, pid_t pid, bool ready, std::uint64_t requests) {
  return {.slot = slot,
          .pid = pid,
          .incarnation = static_cast<std::uint64_t>(pid - 10),
          .ready = ready,
          .requests = requests};
}

TEST(ReconstructTest, FollowsASlotToItsReplacementsFirstAnswer) {
  const std::vector<Victim> victims{
      {.identity = Pid(11), .slot = 1, .incarnation = 1, .sent = 100, .dead = 110}};
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
  EXPECT_EQ(timeline.successor, 12);
  EXPECT_FALSE(timeline.superseded);
}

TEST(ReconstructTest, APoolThatSaysWhenItWasReadyIsTakenAtItsWordHoweverLateItIsAsked) {
  const std::vector<Victim> victims{
      {.identity = Pid(11), .slot = 1, .incarnation = 1, .sent = 100, .dead = 110}};
  const std::vector<FamilySample> family{{0, {Pid(11)}}, {120, {}}, {150, {Pid(12)}}};
  auto newcomer = Worker(1, 12, true, 70);
  newcomer.ready_age = 360;
  newcomer.answered_age = 340;
  const auto timeline = Reconstruct(victims, family, std::vector<StatusSample>{{500, {newcomer}}}).front();
  EXPECT_EQ(timeline.ready, 140);
  EXPECT_EQ(timeline.first_response, 160);
  EXPECT_EQ(timeline.forked, 140) << "it was there when it was ready, though a look showed it later";
}

TEST(ReconstructTest, AParentsSuccessorIsWhoStandsInItsPlace) {
  const std::vector<Victim> victims{
      {.identity = Pid(20), .sent = 100, .dead = 110, .role = Role::kParent},
      {.identity = Pid(5), .sent = 200, .dead = 210, .role = Role::kSupervisor}};
  const std::vector<FamilySample> family{
      {0, {Pid(20), Pid(11)}}, {115, {Pid(11)}}, {120, {Pid(11), Pid(21)}}, {220, {Pid(22)}}};
  const std::vector<StatusSample> status{{.at = 90, .main = 5, .parent = 20},
                                         {.at = 125, .main = 5, .parent = 21},
                                         {.at = 215, .main = 21, .parent = 21},
                                         {.at = 225, .main = 21, .parent = 22}};
  const auto timelines = Reconstruct(victims, family, status);
  EXPECT_EQ(timelines[0].reaped, 115);
  EXPECT_EQ(timelines[0].forked, 120);
  EXPECT_EQ(timelines[0].ready, 125);
  EXPECT_EQ(timelines[0].successor, 21);
  EXPECT_FALSE(timelines[1].reaped);
  EXPECT_EQ(timelines[1].successor, 21);
  EXPECT_EQ(timelines[1].ready, 225) << "when it has a parent again";
}

TEST(LivesInTest, EachProcessLivesFromItsFirstLookToItsLast) {
  const std::vector<FamilySample> family{
      {0, {Pid(20), Pid(11)}}, {100, {Pid(20)}}, {120, {Pid(20), Pid(11, 2)}}};
  const std::vector<StatusSample> status{
      {.at = 10, .workers = {Worker(1, 11, true, 50)}, .main = 5, .parent = 20},
      {.at = 130, .workers = {Worker(1, 11, true, 50)}, .main = 5, .parent = 20}};
  const std::vector<Life> lives = LivesIn(family, status);
  ASSERT_EQ(lives.size(), 3u);
  EXPECT_EQ(lives[0], (Life{.identity = Pid(20), .role = Role::kParent}));
  EXPECT_EQ(lives[1], (Life{.identity = Pid(11), .slot = 1, .ready = 10, .to = 100}));
  EXPECT_EQ(lives[2], (Life{.identity = Pid(11, 2), .slot = 1, .from = 120, .ready = 130}));
}

TEST(ReconstructTest, AReplacementHitBeforeItAnswersIsSuperseded) {
  const std::vector<Victim> victims{
      {.identity = Pid(11), .slot = 1, .incarnation = 1, .sent = 100, .dead = 110}};
  const std::vector<StatusSample> status{
      {135, {Worker(1, 12, true, 56)}}, {140, {}}, {150, {Worker(1, 13, true, 57)}}};
  const auto timeline = Reconstruct(victims, {}, status).front();
  EXPECT_EQ(timeline.forked, 135);
  EXPECT_TRUE(timeline.superseded);
  EXPECT_FALSE(timeline.first_response);
}

TEST(ReconstructTest, TheOneAfterTheReplacementIsNotTakenForIt) {
  const std::vector<Victim> victims{
      {.identity = Pid(11), .slot = 1, .incarnation = 1, .sent = 100, .dead = 110}};
  const std::vector<StatusSample> status{{135, {Worker(1, 13, true, 56)}}, {150, {Worker(1, 13, true, 57)}}};
  const auto timeline = Reconstruct(victims, {}, status).front();
  EXPECT_FALSE(timeline.forked);
  EXPECT_FALSE(timeline.ready);
  EXPECT_TRUE(timeline.superseded);
  EXPECT_TRUE(timeline.unobserved);
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

TEST(ReconstructTest, AReplacementKilledBetweenTwoLooksIsUnobservedAndShiftsNobody) {
  const std::vector<Victim> victims{{.identity = Pid(10, 1), .sent = 100, .dead = 105},
                                    {.identity = Pid(12, 20), .sent = 250, .dead = 260},
                                    {.identity = Pid(11, 1), .sent = 400, .dead = 405}};
  const std::vector<FamilySample> family{
      {0, {Pid(10, 1), Pid(11, 1)}}, {300, {Pid(11, 1), Pid(13, 30)}}, {410, {Pid(13, 30), Pid(14, 40)}}};
  const auto timelines = Reconstruct(victims, family, {});
  EXPECT_FALSE(timelines[0].forked);
  EXPECT_TRUE(timelines[0].unobserved);
  EXPECT_EQ(timelines[0].successor, 12);
  EXPECT_EQ(timelines[1].forked, 300);
  EXPECT_FALSE(timelines[1].unobserved);
  EXPECT_EQ(timelines[1].successor, 13);
  EXPECT_EQ(timelines[2].forked, 410);
  EXPECT_EQ(timelines[2].successor, 14);
}

TEST(ReconstructTest, WhereAnotherChildEndedMeanwhileNobodyCanSayWhoseReplacementCame) {
  const std::vector<Victim> victims{{.identity = Pid(10, 1), .sent = 100, .dead = 105},
                                    {.identity = Pid(12, 20), .sent = 400, .dead = 405}};
  const std::vector<FamilySample> family{{0, {Pid(10, 1), Pid(11, 1)}},
                                         {120, {Pid(12, 20)}},
                                         {130, {Pid(12, 20), Pid(13, 21)}},
                                         {410, {Pid(13, 21), Pid(14, 50)}}};
  const auto timelines = Reconstruct(victims, family, {});
  EXPECT_FALSE(timelines[0].forked);
  EXPECT_TRUE(timelines[0].unobserved);
  EXPECT_FALSE(timelines[0].successor);
  EXPECT_EQ(timelines[1].forked, 410) << "the one too many belongs to no death";
}

TEST(ReconstructTest, AChildThatALookMissedIsNotGone) {
  const std::vector<Victim> victims{{.identity = Pid(10), .sent = 100, .dead = 140}};
  const std::vector<FamilySample> family{{0, {Pid(10)}}, {110, {}}, {120, {Pid(10)}}, {150, {}}};
  EXPECT_EQ(Reconstruct(victims, family, {}).front().reaped, 150);
  EXPECT_EQ(Reconstruct(victims, family, {}).front().dead, 140);
}

TEST(ReconstructTest, WhoDrainsForLongIsReplacedWhenItHasGone) {
  const std::vector<Victim> victims{{.identity = Pid(10, 1), .sent = 100, .dead = 500},
                                    {.identity = Pid(11, 1), .sent = 200, .dead = 250},
                                    {.identity = Pid(12, 1), .sent = 300, .dead = 350}};
  const std::vector<FamilySample> family{{0, {Pid(10, 1), Pid(11, 1), Pid(12, 1)}},
                                         {256, {Pid(10, 1), Pid(12, 1), Pid(13, 25)}},
                                         {356, {Pid(10, 1), Pid(13, 25), Pid(14, 35)}},
                                         {506, {Pid(13, 25), Pid(14, 35), Pid(15, 50)}}};
  const auto timelines = Reconstruct(victims, family, {});
  EXPECT_EQ(timelines[0].forked, 506);
  EXPECT_EQ(timelines[1].forked, 256);
  EXPECT_EQ(timelines[2].forked, 356);
}

TEST(ReconstructTest, WhoWasHitTwiceDiedOnceAndIsReplacedOnce) {
  const std::vector<Victim> victims{{.identity = Pid(10, 1), .sent = 100, .dead = 300},
                                    {.identity = Pid(10, 1), .sent = 200, .dead = 300},
                                    {.identity = Pid(11, 1), .sent = 400, .dead = 405}};
  const std::vector<FamilySample> family{
      {0, {Pid(10, 1), Pid(11, 1)}}, {310, {Pid(11, 1), Pid(12, 30)}}, {410, {Pid(12, 30), Pid(13, 40)}}};
  const auto timelines = Reconstruct(victims, family, {});
  EXPECT_FALSE(timelines[0].forked);
  EXPECT_EQ(timelines[1].forked, 310);
  EXPECT_EQ(timelines[2].forked, 410);
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
}  // namespace hydrapool::harness
