// Workers that do not come round, in a real pool.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "pool/parent/test_pool.h"
#include "pool/shared/pool_life.h"
#include "pool/sys/kill.h"

namespace hydrapool {
namespace {

using test::LineClient;
using test::ServedPool;

TEST(WatchdogTest, AStoppedWorkersConnectionsAndNewOnesAreServedByTheOther) {
  const ServedPool pool({.workers = 2, .max_connections = 256});
  ASSERT_TRUE(pool.WaitUntilReady());
  std::vector<LineClient> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(pool.Connect());
  for (const LineClient& client : clients) ASSERT_EQ(client.Ask("echo x\n"), "x\n");
  // A worker that is stopped between an answer's last byte and its commit keeps that connection.
  ASSERT_TRUE(test::Eventually([&] { return pool.life(0).busy.load() == 0; }));
  const pid_t stopped = pool.worker(0).pid;
  ASSERT_EQ(sys::Kill(stopped, SIGSTOP), 0);
  for (int i = 0; i < 40; ++i) clients.push_back(pool.Connect());
  for (const LineClient& client : clients) EXPECT_EQ(client.Ask("echo y\n"), "y\n");
  ASSERT_EQ(sys::Kill(stopped, SIGCONT), 0);
  for (const LineClient& client : clients) EXPECT_EQ(client.Ask("echo z\n"), "z\n");
  EXPECT_EQ(pool.worker(0).pid, stopped);
}

TEST(WatchdogTest, AStoppedWorkerIsKilledThoughAllThatItOwedIsTakenFromIt) {
  PoolOptions options{.workers = 2, .max_connections = 64};
  options.timeouts.stall = 2 * kSecond;
  const ServedPool pool(options);
  ASSERT_TRUE(pool.WaitUntilReady());
  const pid_t stopped = pool.worker(0).pid;
  ASSERT_EQ(sys::Kill(stopped, SIGSTOP), 0);
  std::vector<LineClient> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(pool.Connect());
  for (const LineClient& client : clients) EXPECT_EQ(client.Ask("echo x\n"), "x\n");
  EXPECT_TRUE(test::Eventually([&] { return pool.counts().exits[StallCause()].value() == 1; }));
  EXPECT_TRUE(test::Eventually([&] { return pool.worker(0).pid != stopped && pool.worker(0).pid != 0; }));
}

TEST(WatchdogTest, AStoppedWorkerThatHasNothingToDoIsReplaced) {
  PoolOptions options{.workers = 2, .max_connections = 64};
  options.timeouts.stall = kSecond;
  const ServedPool pool(options);
  ASSERT_TRUE(pool.WaitUntilReady());
  const pid_t stopped = pool.worker(0).pid;
  ASSERT_EQ(sys::Kill(stopped, SIGSTOP), 0);
  EXPECT_TRUE(test::Eventually([&] { return pool.counts().exits[StallCause()].value() == 1; }));
  EXPECT_TRUE(test::Eventually([&] { return pool.worker(0).pid != stopped && pool.worker(0).pid != 0; }));
  EXPECT_EQ(pool.Connect().Ask("echo x\n"), "x\n");
}

TEST(WatchdogTest, ASilenceThatTheParentWasAsleepForCountsForNothing) {
  PoolOptions options{.workers = 2, .max_connections = 64};
  options.timeouts.stall = 5 * kSecond;
  ServedPool pool(options);
  ASSERT_TRUE(pool.WaitUntilReady());
  const pid_t stopped = pool.worker(0).pid;
  const auto parent_looks = [&] {
    const Nanos from = Now();
    return test::Eventually([&] { return LifeOf(pool.pool().pool()).beat.load() > from + kSecond / 2; });
  };
  ASSERT_TRUE(parent_looks());
  pool.process().Signal(SIGSTOP);
  ASSERT_EQ(sys::Kill(stopped, SIGSTOP), 0);
  ASSERT_TRUE(test::Eventually([&] { return pool.life(0).HeartbeatAge(Now()) > 7 * kSecond; }));
  pool.process().Signal(SIGCONT);
  ASSERT_TRUE(parent_looks());
  ASSERT_EQ(sys::Kill(stopped, SIGCONT), 0);
  EXPECT_TRUE(test::Eventually([&] { return pool.life(0).HeartbeatAge(Now()) < kSecond; }));
  EXPECT_EQ(pool.worker(0).pid, stopped);
  EXPECT_EQ(pool.counts().exits[StallCause()].value(), 0u);
}

TEST(WatchdogTest, ARequestThatHangsEveryWorkerIsStoppedAtTheSecond) {
  PoolOptions options{.workers = 2, .max_connections = 64};
  options.timeouts.stall = 2 * kSecond;
  const ServedPool pool(options);
  const LineClient hanging = pool.Connect();
  hanging.Say("hang\n");
  EXPECT_EQ(hanging.HearLine(), "poison\n");
  EXPECT_EQ(pool.counts().exits[StallCause()].value(), 2u);
  EXPECT_EQ(pool.Connect().Ask("echo after\n"), "after\n");
}

}  // namespace
}  // namespace hydrapool
