#include "hydrapool/process_pool.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "pool/parent/test_pool.h"
#include "pool/sys/kill.h"

namespace hydrapool {
namespace {

using test::Eventually;
using test::LineClient;
using test::ServedPool;

TEST(ProcessPoolTest, AnswersAndKeepsConnectionsOpen) {
  const ServedPool pool;
  const LineClient client = pool.Connect();
  EXPECT_EQ(client.Ask("echo one\n"), "one\n");
  EXPECT_EQ(client.Ask("echo two\n"), "two\n");
  EXPECT_EQ(pool.Connect().Ask("echo three\n"), "three\n");
}

TEST(ProcessPoolTest, PipelinedRequestsAreAnsweredInOrder) {
  const ServedPool pool;
  const LineClient client = pool.Connect();
  std::string requests;
  std::string replies;
  for (int i = 0; i < 3000; ++i) {
    requests += "echo " + std::to_string(i) + "\n";
    replies += std::to_string(i) + "\n";
  }
  client.Say(requests);
  EXPECT_EQ(client.Hear(replies.size()), replies);
}

TEST(ProcessPoolTest, ARequestMayComeInPiecesAndItsSenderMayFinish) {
  const ServedPool pool;
  const LineClient client = pool.Connect();
  client.Say("echo o");
  client.Say("ne\necho t");
  EXPECT_EQ(client.HearLine(), "one\n");
  client.Say("wo\n");
  client.Finish();
  int error = -1;
  EXPECT_EQ(client.HearRest(&error), "two\n");
  EXPECT_EQ(error, 0);
}

TEST(ProcessPoolTest, MorePipelinedRequestsThanOneTurnTakesAreAnswered) {
  const ServedPool pool;
  const LineClient client = pool.Connect();
  std::string requests;
  std::string answers;
  for (int i = 0; i < 9; ++i) {
    requests += "start " + std::to_string(i) + "\n";
    answers += std::to_string(i) + "\n";
  }
  client.Say(requests);
  EXPECT_EQ(client.Hear(answers.size()), answers);
  EXPECT_EQ(client.Ask("echo more\n"), "more\n");
}

TEST(ProcessPoolTest, ARequestIsExecutedByTheWorkerThatHasFewestInHand) {
  const ServedPool pool;
  ASSERT_TRUE(pool.WaitUntilReady());
  const std::array<LineClient, 3> clients{pool.Connect(), pool.Connect(), pool.Connect()};
  std::map<std::string, std::vector<const LineClient*>> by_worker;
  for (const LineClient& client : clients) by_worker[client.Ask("pid\n")].push_back(&client);
  const auto& together =
      std::ranges::max_element(by_worker, {}, [](const auto& each) { return each.second.size(); })->second;
  ASSERT_GE(together.size(), 2u);
  bool spread = false;
  for (int runs = 0; !spread && runs < 40;
       runs += 2) {  // not where the parent is slow to come at that moment
    together[0]->Say("again one\n");
    ASSERT_TRUE(Eventually([&] { return pool.notes().runs == runs + 1; }));
    together[1]->Say("once two\n");
    ASSERT_TRUE(Eventually([&] { return pool.notes().runs == runs + 2; }));
    spread = pool.life(0).busy == 1 && pool.life(1).busy == 1;
    pool.notes().release = true;
    EXPECT_EQ(together[0]->HearLine(), "one\n");
    EXPECT_EQ(together[1]->HearLine(), "two\n");
    ASSERT_TRUE(Eventually([&] { return pool.life(0).busy + pool.life(1).busy == 0; }));
    pool.notes().release = false;
  }
  EXPECT_TRUE(spread);
  EXPECT_GE(pool.counts().moved.value(), 1u);
}

TEST(ProcessPoolTest, AReplyMayEndTheConnection) {
  const ServedPool pool;
  const LineClient client = pool.Connect();
  client.Say("bye\necho unheard\n");
  int error = -1;
  EXPECT_EQ(client.HearRest(&error), "bye\n");
  EXPECT_EQ(error, 0);
}

TEST(ProcessPoolTest, AnEmptyReplyConsumesItsRequest) {
  const ServedPool pool;
  EXPECT_EQ(pool.Connect().Ask("silent\nsilent\necho one\n"), "one\n");
}

TEST(ProcessPoolTest, ALargeReplyComesWhole) {
  const ServedPool pool;
  const LineClient client = pool.Connect();
  client.Say("big 3000000\necho after\n");
  EXPECT_EQ(client.Hear(3'000'000), std::string(3'000'000, 'x'));
  EXPECT_EQ(client.HearLine(), "after\n");
}

TEST(ProcessPoolTest, AKilledWorkersIdleConnectionIsCarriedOn) {
  const ServedPool pool;
  const LineClient client = pool.Connect();
  for (int i = 0; i < 10; ++i) {
    const int pid = std::stoi(client.Ask("pid\n"));
    ASSERT_EQ(sys::Kill(pid, SIGKILL), 0);
    EXPECT_NE(std::stoi(client.Ask("pid\n")), pid);
  }
  EXPECT_EQ(pool.counts().exits[ExitCause(SIGKILL, 0)].value(), 10u);
  EXPECT_TRUE(pool.WaitUntilReady());
}

#ifdef HYDRAPOOL_FAILPOINTS
TEST(ProcessPoolTest, AReadyWorkersSlotHasItsNumberThoughItsParentHasNotNotedIt) {
  ::setenv("HYDRAPOOL_FAILPOINTS", "parent.forked=stop@3", 1);
  ServedPool pool({.workers = 2, .max_connections = 16});
  ::unsetenv("HYDRAPOOL_FAILPOINTS");
  ASSERT_TRUE(pool.WaitUntilReady());
  const pid_t before = pool.worker(0).pid;
  ASSERT_EQ(sys::Kill(before, SIGKILL), 0);
  ASSERT_TRUE(Eventually([&] { return pool.worker(0).incarnation == 2; }));
  ASSERT_TRUE(pool.WaitUntilReady());
  ASSERT_TRUE(Eventually([&] {  // its parent has stopped
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pool.process().pid()), &info, WSTOPPED | WNOHANG | WNOWAIT);
    return info.si_pid == pool.process().pid();
  }));
  const pid_t after = pool.worker(0).pid;
  EXPECT_NE(after, before);
  EXPECT_EQ(sys::Kill(after, 0), 0) << after;
  pool.process().Signal(SIGCONT);
  EXPECT_EQ(pool.Connect().Ask("echo one\n"), "one\n");
  EXPECT_EQ(pool.worker(0).pid, after);
}
#endif

TEST(ProcessPoolTest, ARequestWhoseWorkerIsKilledIsAnsweredByAnother) {
  const ServedPool pool;
  EXPECT_EQ(pool.Connect().Ask("die one\n"), "one\n");
  EXPECT_EQ(pool.notes().runs, 2);
  EXPECT_EQ(pool.counts().rescued[PhaseIndex(Phase::kReading)].value(), 1u);
}

TEST(ProcessPoolTest, AHalfReadRequestSurvivesItsWorker) {
  const ServedPool pool;
  const LineClient client = pool.Connect();
  const int pid = std::stoi(client.Ask("pid\n"));
  client.Say("echo o");
  sys::Kill(pid, SIGKILL);
  EXPECT_EQ(client.Ask("ne\n"), "one\n");
}

struct ThrowsAtClose : test::Obedient {
  using Obedient::Obedient;
  void OnClose(Connection&) { throw 1; }
};

TEST(ProcessPoolTest, WhateverOnCloseThrowsCostsNobodyAnything) {
  const ServedPool<ThrowsAtClose> pool({.workers = 1, .max_connections = 8});
  const std::string worker = pool.Connect().Ask("pid\n");
  const LineClient client = pool.Connect();
  client.Say("bye\n");
  EXPECT_EQ(client.HearRest(), "bye\n");
  EXPECT_EQ(pool.Connect().Ask("pid\n"), worker);
}

TEST(ProcessPoolTest, AnExceptionCostsItsConnectionOnly) {
  const ServedPool pool({.workers = 1, .max_connections = 16});
  const LineClient other = pool.Connect();
  const std::string pid = other.Ask("pid\n");
  const LineClient client = pool.Connect();
  client.Say("throw\n");
  EXPECT_EQ(client.HearRest(), "");
  EXPECT_EQ(other.Ask("pid\n"), pid);
  EXPECT_EQ(pool.worker(0).incarnation, 1u);
}

TEST(ProcessPoolTest, ThreadsBeforeServeAreRefused) {
  sys::Child child = sys::Child::Fork([] {
    sys::log::SetLevel(sys::log::Level::kOff);
    std::atomic<bool> over{false};
    std::thread thread([&] { over.wait(false); });
    int code = 1;
    try {
      ProcessPool<test::Obedient> pool({.workers = 1, .max_connections = 16},
                                       [](WorkerContext& context) -> test::Obedient {
                                         static test::Notes notes;
                                         return {context, notes};
                                       });
      pool.Serve(sys::Listen("127.0.0.1:0"));
    } catch (const std::logic_error& error) {
      code = std::string(error.what()).ends_with("threads running now: 1") ? 0 : 2;
    }
    over = true;
    over.notify_all();
    thread.join();
    return code;
  });
  ASSERT_TRUE(sys::test::WaitFor(child.pidfd(), POLLIN));
  EXPECT_EQ(child.TryReap()->Describe(), "exit_0");
}

TEST(ProcessPoolTest, AWorkerThatIsToldToLeaveFinishesWhatIsInHandAndIsReplaced) {
  const ServedPool pool({.workers = 1, .max_connections = 16});
  const LineClient idle = pool.Connect();
  EXPECT_EQ(idle.Ask("echo x\n"), "x\n");
  const LineClient busy = pool.Connect();
  busy.Say("once done\n");
  ASSERT_TRUE(Eventually([&] { return pool.notes().runs == 1; }));
  sys::Kill(pool.worker(0).pid, SIGTERM);
  ASSERT_TRUE(Eventually([&] { return pool.counts().leaving == 1; }));
  pool.notes().release = true;
  EXPECT_EQ(busy.HearLine(), "done\n");
  EXPECT_EQ(idle.Ask("echo y\n"), "y\n");
  EXPECT_EQ(busy.Ask("echo z\n"), "z\n");
  EXPECT_EQ(pool.worker(0).incarnation, 2u);
  EXPECT_TRUE(Eventually([&] { return pool.counts().exits[ExitCause(0, 0)].value() == 1; }));
}

TEST(ProcessPoolTest, TermFinishesWhatIsInHandClosesWhatIsIdleAndReturns0) {
  ServedPool pool;
  const LineClient idle = pool.Connect();
  EXPECT_EQ(idle.Ask("echo x\n"), "x\n");
  const LineClient busy = pool.Connect();
  busy.Say("once done\n");
  ASSERT_TRUE(Eventually([&] { return pool.notes().runs == 1; }));
  pool.process().Signal(SIGTERM);
  int error = -1;
  EXPECT_EQ(idle.HearRest(&error), "");
  EXPECT_EQ(error, 0);
  pool.notes().release = true;
  EXPECT_EQ(busy.HearLine(), "done\n");
  EXPECT_EQ(busy.HearRest(&error), "");
  EXPECT_EQ(error, 0);
  EXPECT_EQ(pool.End(), "exit_0");
}

TEST(ProcessPoolTest, IntEndsAtOnceAndLeavesNoWorker) {
  ServedPool pool;
  const LineClient busy = pool.Connect();
  busy.Say("once done\n");
  ASSERT_TRUE(Eventually([&] { return pool.notes().runs == 1; }));
  const pid_t worker = pool.worker(0).pid;
  pool.process().Signal(SIGINT);
  EXPECT_EQ(pool.End(), "exit_0");
  EXPECT_EQ(sys::Kill(worker, 0), -1);
}

TEST(ProcessPoolTest, ManyConnectionsAtOnceAreAllAnswered) {
  const ServedPool pool;
  std::vector<LineClient> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(pool.Connect());
    clients.back().Say("echo " + std::to_string(i) + "\n");
  }
  for (int i = 0; i < 200; ++i)
    EXPECT_EQ(clients[static_cast<std::size_t>(i)].HearLine(), std::to_string(i) + "\n");
}

TEST(ProcessPoolTest, ConnectionsPastTheLimitWaitTheirTurn) {
  const ServedPool pool({.workers = 2, .max_connections = 4});
  std::vector<LineClient> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(pool.Connect());
    clients.back().Say("bye\n");
  }
  for (const LineClient& client : clients) EXPECT_EQ(client.HearRest(), "bye\n");
}

}  // namespace
}  // namespace hydrapool
