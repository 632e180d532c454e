#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "pool/sys/socket.h"
#include "pool/testing/command.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/scratch.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

using std::string;

std::size_t Count(const string& text, const string& words) {
  std::size_t count = 0;
  for (auto at = text.find(words); at != text.npos; at = text.find(words, at + 1)) ++count;
  return count;
}

/// A server with a configuration file, which is a copy of the program in a directory of its own.
class SuccessionTest : public ::testing::Test {
 protected:
  SuccessionTest() {
    std::filesystem::copy_file(HYDRAPOOL_BIN_DIR "/hydrapool", Program());
    Configure("workers = 2\n");
  }
  [[nodiscard]] string Program() const { return scratch_ / "hydrapool"; }
  void Configure(const string& text) const { std::ofstream(scratch_ / "hydrapool.toml") << text; }
  /// Puts another program in the place of the one that runs.
  void Install(const string& text) const {
    const string next = Program() + ".next";
    if (text.empty()) {
      std::filesystem::copy_file(HYDRAPOOL_BIN_DIR "/hydrapool", next);
    } else {
      WriteProgram(next, text);
    }
    std::filesystem::rename(next, Program());
  }
  void Start(std::vector<string> flags = {}) {
    flags.insert(flags.end(), {"--config", scratch_ / "hydrapool.toml"});
    server_.emplace(ServerOptions{.workers = 0,
                                  .cgi_dir = cgi_dir_,
                                  .flags = flags,
                                  .supervised = true,
                                  .listen = listen_,
                                  .program = Program()});
  }
  /// Returns when `words` are in the log once more than before.
  void SignalAndAwait(int signal, const string& words) const {
    const std::size_t before = Count(server_->Log(), words);
    server_->Signal(signal);
    ASSERT_TRUE(Eventually([&] { return Count(server_->Log(), words) > before; })) << words;
  }
  void Follow(int signal) const { SignalAndAwait(signal, "lives on under a new program"); }
  [[nodiscard]] string Executed() const {
    return std::filesystem::read_symlink(fmt::format("/proc/{}/exe", server_->pid()));
  }

  ScratchDir scratch_;
  string cgi_dir_ = SamplesDir();
  string listen_ = "127.0.0.1:0";
  std::optional<ServerProcess> server_;
};

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
  ASSERT_TRUE(client.Send(Get("/cgi-bin/slow?before=1500&during=10&lines=2")));
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

TEST_F(SuccessionTest, TtinAndTtouAreAWorkerMoreAndOneLess) {
  Start();
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  const auto ready = [this](int wanted) {
    return server_->Await([&](const auto& status) {
      int count = 0;
      for (const auto& each : status.at("workers")) count += each.at("state") == "ready" ? 1 : 0;
      return count == wanted;
    });
  };
  server_->Signal(SIGTTIN);
  EXPECT_TRUE(ready(3));
  server_->Signal(SIGTTOU);
  EXPECT_TRUE(ready(2));
  server_->Signal(SIGTTOU);
  EXPECT_TRUE(ready(1));
  SignalAndAwait(SIGTTOU, "there cannot be fewer");
  EXPECT_TRUE(client.Ask(Get("/?2"))) << client.error();
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(SuccessionTest, HupDuringADrainIsRefused) {
  Start();
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Send(Get("/cgi-bin/slow?before=1500&during=10&lines=2")));
  ASSERT_TRUE(server_->Await([](const auto& status) { return status.at("cgi_processes") == 1; }));
  SignalAndAwait(SIGTERM, "draining");
  SignalAndAwait(SIGHUP, "reload refused: the server is on its way out");
  const auto answer = client.Receive();
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->body, "line 0\nline 1\n");
  EXPECT_TRUE(server_->WaitForEnd(std::chrono::seconds(20)).clean());
}

TEST_F(SuccessionTest, WorkersAreReplacedAfterTheirRequestsOneAfterAnother) {
  Start({"--max-requests", "50"});
  HttpClient client(server_->address());
  EXPECT_TRUE(Eventually([&] {
    for (int i = 0; i < 60; ++i) EXPECT_TRUE(client.Ask(Get("/?1"))) << client.error();
    return server_->Total("exits") >= 3;
  }));
  EXPECT_EQ(server_->Total("lost") + server_->Total("rescued"), 0u);
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(SuccessionTest, AWorkerIsReplacedWhenItsMemoryHasGrown) {
  Start({"--max-memory", "1"});
  HttpClient client(server_->address());
  EXPECT_TRUE(server_->AwaitTotal("exits", 2));
  EXPECT_TRUE(client.Ask(Get("/?1"))) << client.error();
  EXPECT_NE(server_->Log().find("its memory has grown"), string::npos);
  EXPECT_TRUE(server_->Stop().clean());
}

}  // namespace
}  // namespace hydrapool::support
