// What a client sees of a worker's death, in a real pool.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "hydrapool/process_pool.h"
#include "pool/parent/test_pool.h"
#include "pool/sys/kill.h"

namespace hydrapool {
namespace {

using test::Eventually;
using test::LineClient;
using test::ServedPool;

TEST(RescueProcessTest, ARequestThatMayRunAgainDoes) {
  const ServedPool pool;
  const LineClient client = pool.Connect();
  client.Say("again one\n");
  ASSERT_TRUE(Eventually([&] { return pool.notes().runs == 1; }));
  ASSERT_TRUE(pool.KillBusy());
  ASSERT_TRUE(Eventually([&] { return pool.notes().runs == 2; }));
  pool.notes().release = true;
  EXPECT_EQ(client.HearLine(), "one\n");
  EXPECT_EQ(pool.counts().rescued[PhaseIndex(Phase::kExecuting)].value(), 1u);
}

TEST(RescueProcessTest, ARequestThatMustNotRunAgainIsAbandonedWithExactlyOneReply) {
  const ServedPool pool;
  const LineClient client = pool.Connect();
  client.Say("once one\n");
  ASSERT_TRUE(Eventually([&] { return pool.notes().runs == 1; }));
  ASSERT_TRUE(pool.KillBusy());
  int error = -1;
  EXPECT_EQ(client.HearRest(&error), "abandoned\n");
  EXPECT_EQ(error, 0);
  EXPECT_EQ(pool.notes().runs, 1);
  EXPECT_EQ(pool.counts().abandoned.value(), 1u);
  EXPECT_EQ(pool.counts().poison.value(), 0u);
}

TEST(RescueProcessTest, ARequestThatCrashesWorkersIsStoppedAtTheSecondAndOthersAreUnharmed) {
  const ServedPool pool;
  const LineClient other = pool.Connect();
  EXPECT_EQ(other.Ask("echo before\n"), "before\n");
  const LineClient client = pool.Connect();
  client.Say("crash\n");
  int error = -1;
  EXPECT_EQ(client.HearRest(&error), "poison\n");
  EXPECT_EQ(error, 0);
  EXPECT_EQ(pool.counts().exits[ExitCause(SIGSEGV, 0)].value(), 2u);
  EXPECT_EQ(pool.counts().poison.value(), 1u);
  EXPECT_EQ(other.Ask("echo after\n"), "after\n");
}

TEST(RescueProcessTest, AKillFromOutsideIsNoStrike) {
  const ServedPool pool;
  const LineClient client = pool.Connect();
  client.Say("again one\n");
  for (int kills = 1; kills <= 5; ++kills) {
    ASSERT_TRUE(Eventually([&] { return pool.notes().runs == kills; }));
    ASSERT_TRUE(pool.KillBusy());
  }
  ASSERT_TRUE(Eventually([&] { return pool.notes().runs == 6; }));
  pool.notes().release = true;
  EXPECT_EQ(client.HearLine(), "one\n");
  EXPECT_EQ(pool.counts().poison.value(), 0u);
}

TEST(RescueProcessTest, AnAnswerTooLargeForTheSlabIsCutWhereItsWorkerDies) {
  const ServedPool pool;
  const LineClient client = pool.Connect();
  client.Say("big 64000000\n");
  EXPECT_EQ(client.Hear(10), "xxxxxxxxxx");
  ASSERT_TRUE(pool.KillBusy());
  int error = 0;
  EXPECT_LT(client.HearRest(&error).size(), 63'999'990u);
  EXPECT_EQ(error, ECONNRESET);
  EXPECT_EQ(pool.counts().cut.value(), 1u);
  EXPECT_EQ(pool.Connect().Ask("echo after\n"), "after\n");
}

TEST(RescueProcessTest, WorkersThatFailToStartAreTriedAgainMoreSlowlyAndThenServe) {
  const ServedPool pool({.workers = 1, .max_connections = 16});
  ASSERT_TRUE(pool.WaitUntilReady());
  const LineClient client = pool.Connect();
  const int pid = std::stoi(client.Ask("pid\n"));
  pool.notes().refuse = true;
  sys::Kill(pid, SIGKILL);
  ASSERT_TRUE(Eventually([&] { return pool.worker(0).incarnation >= 5; }));
  EXPECT_EQ(pool.worker(0).last_exit, 70);
  client.Say("echo at last\n");
  pool.notes().refuse = false;
  EXPECT_EQ(client.HearLine(), "at last\n");
  EXPECT_GE(pool.counts().exits[ExitCause(0, 70)].value(), 3u);
}

TEST(RescueProcessTest, WithNoWorkerToBeHadTheClientIsToldSoInTime) {
  Timeouts timeouts;
  timeouts.unassigned = 50 * sys::kMillisecond;
  const ServedPool pool({.workers = 1, .max_connections = 16, .timeouts = timeouts});
  ASSERT_TRUE(pool.WaitUntilReady());
  const LineClient client = pool.Connect();
  const int pid = std::stoi(client.Ask("pid\n"));
  ASSERT_TRUE(Eventually([&] { return pool.life(0).busy == 0; }));  // the answer is noted as done
  pool.notes().refuse = true;
  client.Say("echo ");
  sys::Kill(pid, SIGKILL);
  int error = -1;
  EXPECT_EQ(client.HearRest(&error), "unavailable\n");
  EXPECT_EQ(error, 0);
  EXPECT_EQ(pool.counts().cut.value(), 0u);
  EXPECT_EQ(pool.counts().unavailable.value(), 1u);
}

}  // namespace
}  // namespace hydrapool
