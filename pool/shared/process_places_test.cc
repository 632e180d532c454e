#include "pool/shared/process_places.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <vector>

#include "pool/sys/child.h"

namespace hydrapool {
namespace {

/// What a worker that another has taken over could write into what all share. (An explicit instantiation may
/// name what is private.)
template <auto kMember>
struct SpoiltMemory {
  friend auto& Shared(const ProcessPlaces& places) { return (places.*kMember)[0]; }
};
auto& Shared(const ProcessPlaces& places);
template struct SpoiltMemory<&ProcessPlaces::used_>;

TEST(ProcessPlacesTest, NoMoreThanTheLimitAndEachGivenBackOnce) {
  const ProcessPlaces places;
  ProcessPlaces::Place* const first = places.Claim(0, 2);
  ProcessPlaces::Place* const second = places.Claim(7, 2);
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(places.Claim(8, 2), nullptr);
  EXPECT_EQ(places.taken(), 2u);
  ProcessPlaces::GiveBack(*first, 7);  // another's
  EXPECT_EQ(places.taken(), 2u);
  ProcessPlaces::GiveBack(*first, 0);
  EXPECT_EQ(places.Claim(8, 2), first);
}

TEST(ProcessPlacesTest, AnOccupiedPlaceIsFreedByItsReapingAlone) {
  const ProcessPlaces places;
  ProcessPlaces::Place* const place = places.Claim(3, 1);
  EXPECT_TRUE(ProcessPlaces::Occupy(*place, 3, 4242));
  ProcessPlaces::GiveBack(*place, 3);
  places.GiveBack(3);
  places.Free(4243);
  EXPECT_EQ(places.taken(), 1u);
  places.Free(4242);
  EXPECT_EQ(places.taken(), 0u);
}

TEST(ProcessPlacesTest, ATimeOutIsRememberedUntilThePlaceIsFree) {
  const ProcessPlaces places;
  for (const pid_t pid : {4'194'303, 4242}) {  // the largest pid that Linux gives
    ASSERT_TRUE(ProcessPlaces::Occupy(*places.Claim(3, 2), 3, pid));
  }
  places.NoteTimeout(4'194'303);
  places.NoteTimeout(1);  // nobody's
  EXPECT_EQ(places.Occupants(), (std::vector<pid_t>{4'194'303, 4242}));
  using What = ProcessPlaces::Freed::What;
  EXPECT_EQ(places.Free(4'194'303).what, What::kPlaceOfTimedOut);
  EXPECT_EQ(places.Free(4'194'303).what, What::kNothing);
  EXPECT_EQ(places.Free(4242).what, What::kPlace);
  EXPECT_EQ(places.taken(), 0u);
}

TEST(ProcessPlacesTest, WhatIsNotedOfAPlaceIsTheReapersToTell) {
  const ProcessPlaces places;
  for (const pid_t pid : {4241, 4242}) {
    ProcessPlaces::Place* const place = places.Claim(3, 2);
    places.Note(*place, pid * 10, static_cast<std::uint8_t>(pid - 4240));
    ASSERT_TRUE(ProcessPlaces::Occupy(*place, 3, pid));
  }
  const auto second = places.Free(4242);
  EXPECT_EQ(second.begun, 42420);
  EXPECT_EQ(second.part, 2);
  EXPECT_EQ(places.Free(4241).part, 1);
}

TEST(ProcessPlacesTest, TellsWhomTheTakenPlacesAreFor) {
  const ProcessPlaces places;
  ProcessPlaces::Place* const first = places.Claim(1, 4);
  places.Note(*first, 1, 0, {.group = 7, .client = 9});
  ProcessPlaces::Place* const second = places.Claim(2, 4);
  places.Note(*second, 1, 0);
  ASSERT_TRUE(ProcessPlaces::Occupy(*second, 2, 4242));
  EXPECT_EQ(places.Parties(), (std::vector<ProcessParty>{{7, 9}, {}}));
  ProcessPlaces::GiveBack(*first, 1);
  EXPECT_EQ(places.Parties(), std::vector<ProcessParty>(1));
}

TEST(ProcessPlacesTest, AProcessMayBeLeftOutOfTheCount) {
  const ProcessPlaces places;
  ProcessPlaces::Place* const first = places.Claim(1, 4);
  places.Note(*first, 1, 0, {.group = 7, .client = 9});
  ASSERT_TRUE(ProcessPlaces::Occupy(*first, 1, 4242));
  places.NoteTimeout(4242);
  places.Note(*places.Claim(2, 4), 1, 0, {.group = 8});
  EXPECT_EQ(places.NumberOf(4242), 0u);
  EXPECT_EQ(places.NumberOf(*first), 0u);
  for (const pid_t none : {0, 2, 3, 4243}) EXPECT_EQ(places.NumberOf(none), std::nullopt) << none;
  EXPECT_EQ(places.taken(4242), 1u);
  EXPECT_EQ(places.taken(), 2u);
  EXPECT_EQ(places.Parties(4242), (std::vector<ProcessParty>{{8, 0}}));
  places.Free(4242);
  EXPECT_EQ(places.NumberOf(4242), std::nullopt);
  EXPECT_EQ(places.taken(4242), 1u);
}

TEST(ProcessPlacesTest, AClaimThatWasGivenBackLetsNoProcessIn) {
  const ProcessPlaces places;
  ProcessPlaces::Place* const place = places.Claim(3, 1);
  places.GiveBack(3);
  EXPECT_FALSE(ProcessPlaces::Occupy(*place, 3, 4242));
  EXPECT_NE(places.Claim(4, 1), nullptr);
  EXPECT_FALSE(ProcessPlaces::Occupy(*place, 3, 4242));
}

TEST(ProcessPlacesTest, NobodyWalksOutOfThemAtAWorkersWord) {
  const ProcessPlaces places;
  ProcessPlaces::Place* const place = places.Claim(3, 4);
  Shared(places) = 0xffff'ffff;
  EXPECT_EQ(places.Find(3), place);
  EXPECT_EQ(places.Find(4), nullptr);
  EXPECT_EQ(places.taken(), 1u);
  EXPECT_EQ(places.Parties().size(), 1u);
  EXPECT_EQ(places.NumberOf(4242), std::nullopt);
  places.NoteTimeout(4242);
  EXPECT_EQ(places.Free(4242).what, ProcessPlaces::Freed::What::kNothing);
  EXPECT_TRUE(places.Occupants().empty());
  places.GiveBack(3);
  EXPECT_EQ(places.taken(), 0u);
}

// Processes that claim and give back as fast as they can, killed at any moment.
TEST(ProcessPlacesTest, TheDeadLeaveNothingBehind) {
  const ProcessPlaces places;
  for (int round = 0; round < 20; ++round) {
    std::vector<sys::Child> workers;
    for (std::uint32_t lease = 0; lease < 4; ++lease) {
      workers.push_back(sys::Child::Fork([&places, lease] {
        for (;;) {
          ProcessPlaces::Place* const place = places.Claim(lease, 3);
          if (place != nullptr) ProcessPlaces::GiveBack(*place, lease);
        }
        return 0;
      }));
    }
    for (int look = 0; look < 2000; ++look) ASSERT_LE(places.taken(), 3u);
    for (const sys::Child& worker : workers) worker.Signal(SIGKILL);
    workers.clear();  // reaps
    for (std::uint32_t lease = 0; lease < 4; ++lease) places.GiveBack(lease);
    ASSERT_EQ(places.taken(), 0u);
  }
}

}  // namespace
}  // namespace hydrapool
