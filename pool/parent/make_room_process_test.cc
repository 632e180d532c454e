// Strangers who hold all places, in a real pool.
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "hydrapool/process_pool.h"
#include "pool/parent/test_pool.h"

namespace hydrapool {
namespace {

using test::Eventually;
using test::LineClient;
using test::ServedPool;

constexpr std::size_t kPlaces = 8;

PoolOptions Small(sys::Nanos spare) {
  Timeouts timeouts;
  timeouts.spare = spare;
  return {.workers = 2, .max_connections = kPlaces, .timeouts = timeouts};
}

std::vector<LineClient> Crowd(const ServedPool<>& pool, std::size_t count) {
  std::vector<LineClient> crowd;
  while (crowd.size() < count) crowd.push_back(pool.Connect());
  return crowd;
}

TEST(MakeRoomTest, StrangersWhoSayNothingLockNobodyOut) {
  const ServedPool pool(Small(0));
  const auto strangers = Crowd(pool, 5 * kPlaces);
  const LineClient client = pool.Connect();
  EXPECT_EQ(client.Ask("echo in\n"), "in\n");
  EXPECT_EQ(pool.counts().accepted.value(), 5 * kPlaces + 1);
  EXPECT_EQ(pool.counts().idle_closed.value(), 4 * kPlaces + 1);
  int error = -1;
  EXPECT_EQ(strangers.front().HearRest(&error), "");
  EXPECT_EQ(error, 0) << "an orderly end";
}

TEST(MakeRoomTest, WhoHasAskedSomethingStaysLonger) {
  const ServedPool pool(Small(0));
  const LineClient regular = pool.Connect();
  ASSERT_EQ(regular.Ask("echo first\n"), "first\n");
  const auto strangers = Crowd(pool, kPlaces - 1);
  ASSERT_TRUE(Eventually([&] {  // who is on its way to a worker cannot be spared yet
    const auto& [one, other] = std::tie(pool.life(0), pool.life(1));
    return one.told + other.told >= kPlaces && one.Untaken() + other.Untaken() == 0;
  }));
  // No more than there are strangers: where the pool is slow to see that one has left, each takes another's
  // place.
  for (std::size_t i = 0; i < strangers.size(); ++i) ASSERT_EQ(pool.Connect().Ask("echo in\n"), "in\n");
  EXPECT_GT(pool.counts().idle_closed.value(), 0u);
  EXPECT_EQ(regular.Ask("echo again\n"), "again\n");
}

TEST(MakeRoomTest, NobodyIsClosedWhoHasSentSomethingOrIsAnswered) {
  const ServedPool pool(Small(0));
  const auto halves = Crowd(pool, kPlaces - 2);
  for (const LineClient& half : halves) half.Say("echo wh");
  const LineClient waiting = pool.Connect();
  waiting.Say("again soon\n");
  const LineClient idle = pool.Connect();
  ASSERT_TRUE(Eventually([&] { return pool.notes().runs == 1; }));
  ASSERT_TRUE(Eventually([&] { return pool.counts().accepted.value() == kPlaces; }));
  const LineClient client = pool.Connect();
  EXPECT_EQ(client.Ask("echo in\n"), "in\n");
  EXPECT_EQ(idle.HearRest(), "");
  client.Say("echo ");  // now no connection can be spared
  const LineClient late = pool.Connect();
  late.Say("echo late\n");
  for (const LineClient& half : halves) EXPECT_EQ(half.Ask("ole\n"), "whole\n");
  EXPECT_EQ(late.HearLine(), "late\n");
  pool.notes().release = true;
  EXPECT_EQ(waiting.HearLine(), "soon\n");
  EXPECT_EQ(client.Ask("on\n"), "on\n");
  EXPECT_EQ(pool.counts().accepted.value(), kPlaces + 2);
  EXPECT_EQ(pool.counts().idle_closed.value(), 2u);
}

TEST(MakeRoomTest, WhoWaitsToBeAcceptedIsCounted) {
  const ServedPool pool(Small(60 * sys::kSecond));
  auto halves = Crowd(pool, kPlaces);
  for (const LineClient& half : halves) half.Say("echo wh");
  ASSERT_TRUE(Eventually([&] { return pool.counts().accepted.value() == kPlaces; }));
  EXPECT_EQ(pool.counts().listen_queue, 0u);
  const auto late = Crowd(pool, 3);
  EXPECT_TRUE(Eventually([&] { return pool.counts().listen_queue == 3; }));
  EXPECT_GE(pool.counts().listen_queue_limit, 3u);
  halves.clear();
  EXPECT_TRUE(Eventually([&] { return pool.counts().listen_queue == 0; }));
  for (const LineClient& client : late) EXPECT_EQ(client.Ask("echo in\n"), "in\n");
}

TEST(MakeRoomTest, WhoHasJustComeOrGotAnAnswerIsLeftInPeace) {
  const ServedPool pool(Small(60 * sys::kSecond));
  const auto crowd = Crowd(pool, kPlaces);
  ASSERT_TRUE(Eventually([&] { return pool.counts().accepted.value() == kPlaces; }));
  const LineClient late = pool.Connect();
  late.Say("echo late\n");
  for (const LineClient& client : crowd) EXPECT_EQ(client.Ask("echo here\n"), "here\n");
  EXPECT_EQ(pool.counts().idle_closed.value(), 0u);
  EXPECT_EQ(crowd.front().Ask("bye\n"), "bye\n");
  EXPECT_EQ(late.HearLine(), "late\n");
}

}  // namespace
}  // namespace hydrapool
