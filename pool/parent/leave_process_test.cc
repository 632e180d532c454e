// Workers that are told to leave while they have something in hand, in a real pool.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "pool/parent/seats.h"
#include "pool/parent/test_pool.h"
#include "pool/sys/kill.h"

namespace hydrapool {
namespace {

using test::Eventually;
using test::LineClient;
using test::ServedPool;

std::uint64_t Requests(const ServedPool<>& pool) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < ScoreboardOf(pool.pool().pool()).workers(); ++i)
    sum += pool.worker(i).requests();
  return sum;
}

/// One request that waits in each present worker.
void OccupyEachWorker(const ServedPool<>& pool, const std::string& command, std::vector<LineClient>& slow) {
  const std::size_t workers = ScoreboardOf(pool.pool().pool()).workers();
  ASSERT_TRUE(pool.WaitUntilReady());
  for (std::size_t i = 0; i < workers; ++i) ASSERT_TRUE(Eventually([&] { return pool.life(i).busy == 0; }));
  for (std::size_t i = 0; i < workers; ++i) {
    const int before = pool.notes().runs;
    slow.push_back(pool.Connect());
    slow.back().Say(command + " " + std::to_string(slow.size()) + "\n");
    ASSERT_TRUE(Eventually([&] { return pool.notes().runs == before + 1; }));
  }
  for (std::size_t i = 0; i < workers; ++i) ASSERT_EQ(pool.life(i).busy, 1u);
}

void TellEachWorkerToLeave(const ServedPool<>& pool) {
  const std::size_t workers = ScoreboardOf(pool.pool().pool()).workers();
  const std::uint32_t leaving = pool.counts().leaving;
  for (std::size_t i = 0; i < workers; ++i) ASSERT_EQ(sys::Kill(pool.worker(i).pid, SIGTERM), 0);
  ASSERT_TRUE(Eventually([&] { return pool.counts().leaving == leaving + workers; }));
}

TEST(LeaveTest, NewcomersAreAnsweredWhileAllWorkersLeaveWithSlowRequestsInHand) {
  const ServedPool pool({.workers = 2, .max_connections = 64});
  std::vector<LineClient> slow;
  const LineClient idle = pool.Connect();
  ASSERT_EQ(idle.Ask("echo before\n"), "before\n");
  for (const auto* command : {"once", "again", "once"}) {
    OccupyEachWorker(pool, command, slow);
    TellEachWorkerToLeave(pool);
    EXPECT_EQ(pool.Connect().Ask("echo newcomer\n"), "newcomer\n");
    EXPECT_EQ(idle.Ask("echo idle\n"), "idle\n");
  }
  EXPECT_EQ(pool.counts().leaving, 6u);
  EXPECT_EQ(pool.worker(0).incarnation, 4u);
  pool.notes().release = true;
  for (std::size_t i = 0; i < slow.size(); ++i) EXPECT_EQ(slow[i].HearLine(), std::to_string(i + 1) + "\n");
  EXPECT_TRUE(Eventually([&] { return pool.counts().exits[ExitCause(0, 0)].value() == 6; }));
  EXPECT_TRUE(Eventually([&] { return pool.counts().leaving == 0; }));
  for (std::size_t i = 0; i < slow.size(); ++i) EXPECT_EQ(slow[i].Ask("echo after\n"), "after\n");
  EXPECT_TRUE(Eventually([&] { return Requests(pool) == 1 + 3 * 2 + 2 * slow.size(); }));
  EXPECT_EQ(pool.notes().runs, 6);
  EXPECT_EQ(pool.worker(0).incarnation, 4u) << "each is replaced once";
  EXPECT_EQ(pool.counts().unavailable.value(), 0u);
}

TEST(LeaveTest, AWorkerThatLeavesIsRescuedLikeAnyOther) {
  const ServedPool pool({.workers = 1, .max_connections = 16});
  std::vector<LineClient> slow;
  OccupyEachWorker(pool, "again", slow);
  const pid_t leaver = pool.worker(0).pid;
  TellEachWorkerToLeave(pool);
  ASSERT_TRUE(pool.WaitUntilReady());
  const pid_t successor = pool.worker(0).pid;
  ASSERT_NE(successor, leaver);
  ASSERT_EQ(sys::Kill(leaver, SIGKILL), 0);
  ASSERT_TRUE(Eventually([&] { return pool.notes().runs == 2; }));
  pool.notes().release = true;
  EXPECT_EQ(slow[0].HearLine(), "1\n");
  EXPECT_EQ(pool.worker(0).pid, successor);
  EXPECT_EQ(pool.worker(0).incarnation, 2u);
  EXPECT_EQ(pool.counts().leaving, 0u);
}

TEST(LeaveTest, WhereTooManyLeaveASeatWaitsForOneOfThemToEnd) {
  const ServedPool pool({.workers = 1, .max_connections = 64});
  std::vector<LineClient> slow;
  for (std::size_t i = 0; i < Seats::kMostLeaving; ++i) {
    OccupyEachWorker(pool, "once", slow);
    TellEachWorkerToLeave(pool);
  }
  OccupyEachWorker(pool, "once", slow);
  TellEachWorkerToLeave(pool);  // no handle is left for its successor
  EXPECT_EQ(pool.life(0).state.load(), WorkerState::kDraining);
  const LineClient newcomer = pool.Connect();
  newcomer.Say("echo newcomer\n");
  pool.notes().release = true;
  EXPECT_EQ(newcomer.HearLine(), "newcomer\n");
  for (std::size_t i = 0; i < slow.size(); ++i) EXPECT_EQ(slow[i].HearLine(), std::to_string(i + 1) + "\n");
  EXPECT_TRUE(Eventually([&] { return pool.counts().leaving == 0; }));
}

TEST(LeaveTest, ThePoolDrainsWithWorkersThatLeave) {
  ServedPool pool({.workers = 2, .max_connections = 16});
  std::vector<LineClient> slow;
  OccupyEachWorker(pool, "once", slow);
  TellEachWorkerToLeave(pool);
  pool.process().Signal(SIGTERM);
  pool.notes().release = true;
  for (std::size_t i = 0; i < slow.size(); ++i) EXPECT_EQ(slow[i].HearLine(), std::to_string(i + 1) + "\n");
  EXPECT_EQ(pool.End(), "exit_0");
}

}  // namespace
}  // namespace hydrapool
