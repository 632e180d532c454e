#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pool/succession_fixture.h"
#include "pool/sys/file.h"
#include "pool/sys/kill.h"
#include "pool/sys/oom_score.h"
#include "pool/sys/socket.h"
#include "pool/testing/http_client.h"

namespace hydrapool::support {
namespace {

TEST_F(SuccessionTest, HupTakesTheConfigurationAndKeepsConnections) {
  Start();
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  Configure("workers = 3\nexpose-worker = true\n");
  Follow(SIGHUP);
  ASSERT_TRUE(server_->Await([](const auto& status) { return status.at("workers").size() == 3; }));
  ASSERT_TRUE(server_->AwaitTotal("exits", 2)) << "the workers of the old configuration leave";
  const auto answer = client.Ask(Get("/?2"));
  ASSERT_TRUE(answer) << client.error();
  EXPECT_NE(answer->Field("X-Worker"), "");
  EXPECT_EQ(server_->Total("lost"), 0u);
  EXPECT_EQ(server_->Total("accepted"), 1u) << "counters do not fall";
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(SuccessionTest, HupWithAWrongFileChangesNothing) {
  Start();
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  Configure("wrokers = 3\n");
  SignalAndAwait(SIGHUP, "reload refused");
  EXPECT_NE(server_->Log().find("no such option: wrokers"), string::npos);
  EXPECT_TRUE(client.Ask(Get("/?2"))) << client.error();
  Configure("workers = 200\n");
  SignalAndAwait(SIGHUP, "reload refused");
  EXPECT_NE(server_->Log().find("start it anew for more"), string::npos);
  EXPECT_TRUE(client.Ask(Get("/?3"))) << client.error();
  EXPECT_EQ(server_->Total("exits"), 0u);
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(SuccessionTest, AProgramOutlivesReloadAndUpgrade) {
  Start();
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Send(Get("/cgi-bin/slow?before=4000&during=10&lines=2")));
  ASSERT_TRUE(server_->Await([](const auto& status) { return status.at("cgi_processes") == 1; }));
  Follow(SIGHUP);
  Install("");
  Follow(SIGUSR2);
  const auto answer = client.Receive();
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->body, "line 0\nline 1\n");
  EXPECT_EQ(server_->Total("cgi_started"), 1u);
  EXPECT_TRUE(server_->Await([](const auto& status) { return status.at("cgi_processes") == 0; }));
}

TEST_F(SuccessionTest, Usr2ExecutesTheProgramThatStandsThereNow) {
  Start();
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  Install("");
  ASSERT_NE(Executed(), Program()) << "the old one, deleted";
  Follow(SIGHUP);
  ASSERT_NE(Executed(), Program()) << "a reload is no upgrade";
  Follow(SIGUSR2);
  EXPECT_EQ(Executed(), Program());
  EXPECT_TRUE(client.Ask(Get("/?2"))) << client.error();
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(SuccessionTest, AServerThatHasGivenUpRootIsFollowedToo) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root";
  std::filesystem::permissions(scratch_.path(), std::filesystem::perms{0755});
  cgi_dir_ = "/usr/bin";
  Start({"--user", "nobody"});
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  Follow(SIGHUP);
  Install("");
  Follow(SIGUSR2);
  EXPECT_TRUE(client.Ask(Get("/?2"))) << client.error();
  const pid_t parent = server_->Status().at("parent").at("pid");
  server_->Signal(SIGKILL);
  EXPECT_TRUE(server_->Await([&](const auto& status) { return status.at("pid") == parent; }));
  EXPECT_TRUE(client.Ask(Get("/?3"))) << client.error();
}

TEST_F(SuccessionTest, AnUpgradeThatFailsItsTrialLeavesTheOldOneServing) {
  Start();
  HttpClient client(server_->address());
  for (const char* wrong : {"#!/bin/sh\nexit 3\n", "#!/no/such/interpreter\n",
                            "\x7f"
                            "ELF of another machine"}) {
    Install(wrong);
    SignalAndAwait(SIGUSR2, "upgrade refused");
    EXPECT_TRUE(client.Ask(Get("/?1"))) << client.error();
  }
  std::filesystem::permissions(Program(), std::filesystem::perms::owner_read);
  SignalAndAwait(SIGUSR2, "upgrade refused: there is no program");
  std::filesystem::remove(Program());
  SignalAndAwait(SIGUSR2, "upgrade refused: there is no program");
  EXPECT_TRUE(client.Ask(Get("/?2"))) << client.error();
  EXPECT_TRUE(server_->Stop().clean());
}

// What the parent would execute in the supervisor's place cannot start.
TEST_F(SuccessionTest, AWrongFileCostsNothingWhenTheSupervisorDies) {
  Start();
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  Configure("wrokers = 3\n");
  server_->Signal(SIGKILL);
  server_->WaitForEnd(std::chrono::seconds(10));
  ASSERT_TRUE(Eventually([&] { return server_->Log().find("serving on without one") != string::npos; }));
  EXPECT_TRUE(client.Ask(Get("/?2"))) << client.error();
  HttpClient other(server_->address());
  EXPECT_TRUE(other.Ask(Get("/?3"))) << other.error();
  EXPECT_TRUE(
      server_->Await([](const auto& status) { return status.at("pid") == status.at("parent").at("pid"); }));
  const auto workers = server_->Status().at("workers");
  for (const auto& worker : workers) sys::Kill(worker.at("pid").get<pid_t>(), SIGKILL);
  EXPECT_TRUE(other.Ask(Get("/?4"))) << other.error();
  EXPECT_TRUE(server_->AwaitTotal("exits", 2));
}

TEST_F(SuccessionTest, AnUpgradeThatEndsInItsFirstMomentLeavesTheOldOneServing) {
  Start();
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  Install("#!/bin/sh\n[ -n \"$HYDRAPOOL_ON_TRIAL\" ] || exit 3\n");
  const pid_t parent = server_->Status().at("parent").at("pid");
  SignalAndAwait(SIGUSR2, "takes its place");
  EXPECT_EQ(server_->WaitForEnd(std::chrono::seconds(10)).code, 3);
  EXPECT_TRUE(server_->Await([&](const auto& status) { return status.at("pid") == parent; }));
  EXPECT_TRUE(client.Ask(Get("/?2"))) << client.error();
}

TEST_F(SuccessionTest, AnUpgradeWhoseParentsFailGivesItsPlaceBack) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  Start();
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  const string good = Program() + ".good";
  std::filesystem::copy_file(Program(), good);
  Install("#!/bin/sh\nHYDRAPOOL_FAILPOINTS=parent.forks=crash,parent.forks=crash,parent.forks=crash exec " +
          good + " \"$@\"\n");
  server_->Signal(SIGUSR2);
  // The first worker of the old program that it tells to leave needs a successor.
  ASSERT_TRUE(Eventually([&] { return server_->Log().find("back to the program before") != string::npos; }));
  ASSERT_TRUE(Eventually([&] { return Count(server_->Log(), "lives on under a new program") == 2; }));
  EXPECT_TRUE(client.Ask(Get("/?2"))) << client.error();
  EXPECT_TRUE(server_->AwaitQuiet());
  EXPECT_TRUE(client.Ask(Get("/?3"))) << client.error();
  EXPECT_TRUE(server_->Stop().clean());
}

/// Where the first of the new program's two processes dies on the way from the old parent to the new one.
class HandoverTest : public SuccessionTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(HandoverTest, ADeathCostsNothing) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  failpoints_ = string(GetParam()) + "=kill@1";
  Start();
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  server_->Signal(SIGHUP);
  ASSERT_TRUE(Eventually([&] { return Count(server_->Log(), "lives on under a new program") > 0; }))
      << server_->Log();
  EXPECT_TRUE(client.Ask(Get("/?2"))) << client.error();
  ASSERT_TRUE(server_->Await([](const auto& status) {
    return status.at("pid") != status.at("parent").at("pid") && status.at("leases").at("open") == 1;
  })) << "there are two of them again";
  EXPECT_TRUE(client.Ask(Get("/?3"))) << client.error();
  EXPECT_EQ(server_->Total("accepted"), 1u);
  EXPECT_EQ(server_->Total("lost"), 0u);
}

INSTANTIATE_TEST_SUITE_P(Points, HandoverTest,
                         ::testing::Values("supervisor.follows", "supervisor.taken", "supervisor.followed"));

TEST_F(SuccessionTest, TheSupervisorIsAsDearToTheKernelAsTheOneBefore) {
  Start();
  const auto score = [](pid_t pid) { return sys::ReadFile(fmt::format("/proc/{}/oom_score_adj", pid)); };
  const string first = score(server_->pid());
  server_->Signal(SIGKILL);
  server_->WaitForEnd(std::chrono::seconds(10));
  pid_t next = 0;
  ASSERT_TRUE(server_->Await([&](const auto& status) {
    next = status.at("pid").template get<pid_t>();
    return next != server_->pid() && status.at("parent").at("pid") != next;
  }));
  EXPECT_EQ(score(next), first);
  EXPECT_EQ(score(server_->Status().at("parent").at("pid").get<pid_t>()),
            fmt::format("{}\n", std::stoi(first) + sys::kWorkerOomScore));
}

TEST_F(SuccessionTest, ASocketThatIsWantedNoMoreIsClosedWhenAllWhoWaitAreIn) {
  Configure("listen = [\"unix:" + (scratch_ / "one") + "\", \"unix:" + (scratch_ / "two") + "\"]\n");
  listen_ = "";
  Start({"--workers", "2"});
  HttpClient one("unix:" + (scratch_ / "one"));
  HttpClient two("unix:" + (scratch_ / "two"));
  ASSERT_TRUE(one.Ask(Get("/?1")));
  ASSERT_TRUE(two.Ask(Get("/?1")));
  Configure("listen = [\"unix:" + (scratch_ / "two") + "\", \"unix:" + (scratch_ / "three") + "\"]\n");
  Follow(SIGHUP);
  EXPECT_TRUE(one.Ask(Get("/?2"))) << one.error();
  EXPECT_TRUE(two.Ask(Get("/?2"))) << two.error();
  HttpClient three("unix:" + (scratch_ / "three"));
  EXPECT_TRUE(three.Ask(Get("/?2"))) << three.error();
  HttpClient four("unix:" + (scratch_ / "two"));
  EXPECT_TRUE(four.Ask(Get("/?2"))) << four.error();
  EXPECT_TRUE(
      Eventually([&] { return !sys::Connect("unix:" + (scratch_ / "one"), std::chrono::seconds(1)); }));
}

TEST_F(SuccessionTest, NothingIsLeftOpenOverManyReloads) {
  Start();
  HttpClient client(server_->address());
  const auto descriptors = [this] {
    const std::filesystem::directory_iterator open(fmt::format("/proc/{}/fd", server_->pid()));
    return std::distance(begin(open), end(open));
  };
  Follow(SIGHUP);
  ASSERT_TRUE(client.Ask(Get("/?1")));
  ASSERT_TRUE(server_->AwaitTotal("exits", 2));
  const auto early = descriptors();
  for (int i = 0; i < 10; ++i) {
    Follow(i % 2 == 0 ? SIGUSR2 : SIGHUP);
    ASSERT_TRUE(client.Ask(Get("/?2"))) << client.error();
  }
  EXPECT_TRUE(Eventually([&] { return descriptors() <= early; })) << descriptors() << " after " << early;
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(SuccessionTest, HupDuringADrainIsRefused) {
  Start();
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Send(Get("/cgi-bin/slow?before=5000&during=10&lines=2")));
  ASSERT_TRUE(server_->Await([](const auto& status) { return status.at("cgi_processes") == 1; }));
  SignalAndAwait(SIGTERM, "draining");
  SignalAndAwait(SIGHUP, "reload refused: the server is on its way out");
  const auto answer = client.Receive();
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->body, "line 0\nline 1\n");
  EXPECT_TRUE(server_->WaitForEnd(std::chrono::seconds(20)).clean());
}

}  // namespace
}  // namespace hydrapool::support
