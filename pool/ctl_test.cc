#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "pool/admin/client.h"
#include "pool/sys/kill.h"
#include "pool/sys/privileges.h"
#include "pool/testing/command.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/scratch.h"
#include "pool/testing/server_process.h"

// hydrapool ctl, and the server that it asks.
namespace hydrapool::support {
namespace {

using ::testing::HasSubstr;

class CtlTest : public ::testing::Test {
 protected:
  void Start(int workers, bool supervised = false, std::vector<std::string> flags = {}) {
    flags.insert(flags.end(), {"--control", path_});
    server_.emplace(ServerOptions{.workers = workers, .flags = flags, .supervised = supervised});
  }
  [[nodiscard]] std::vector<std::string> Line(std::vector<std::string> words) const {
    words.insert(words.begin(), {HYDRAPOOL_BIN_DIR "/hydrapool", "ctl", "--control", path_});
    return words;
  }
  [[nodiscard]] Finished Ctl(std::vector<std::string> words) const {
    return RunProgram(Line(std::move(words)));
  }
  [[nodiscard]] nlohmann::json Json(std::vector<std::string> words) const {
    words.emplace_back("--json");
    const Finished finished = Ctl(std::move(words));
    EXPECT_TRUE(finished.ok()) << finished.output;
    return ParseJson(finished.output);
  }
  void ExpectRefused(const std::vector<std::string>& words, const std::string& why, int code = 1) const {
    const Finished finished = Ctl(words);
    EXPECT_EQ(finished.status.code, code) << finished.output;
    EXPECT_THAT(finished.output, HasSubstr(why));
    EXPECT_EQ(std::ranges::count(finished.output, '\n'), 1) << finished.output;
  }

  [[nodiscard]] std::string Metrics() const {
    const auto page = admin::HttpGet(server_->admin(), "/metrics", std::chrono::seconds(20));
    return page ? page->body : page.error().message;
  }

  ScratchDir scratch_;
  const std::string path_ = scratch_ / "control";
  std::optional<ServerProcess> server_;
};

TEST_F(CtlTest, WorkersAndLeasesAreListed) {
  Start(2);
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Ask(Get("/")));
  ASSERT_TRUE(server_->AwaitQuiet());
  const auto workers = Json({"workers"}).at("workers");
  ASSERT_EQ(workers.size(), 2u);
  EXPECT_EQ(workers[0].at("requests").get<int>() + workers[1].at("requests").get<int>(), 1);
  for (const auto& worker : workers) EXPECT_EQ(worker.at("state"), "ready");
  const auto leases = Json({"leases"}).at("leases");
  ASSERT_EQ(leases.size(), 1u);
  EXPECT_EQ(leases[0].at("phase"), "idle");
  EXPECT_THAT(leases[0].at("peer").get<std::string>(), HasSubstr("127.0.0.1:"));
  EXPECT_EQ(Json({"losses"}).at("lost"), 0);
  EXPECT_THAT(Ctl({"workers"}).output, HasSubstr("SLOT  PID"));
}

TEST_F(CtlTest, ADrainedSlotStaysEmptyUntilItIsRecycled) {
  Start(2);
  HttpClient busy(server_->address());
  ASSERT_TRUE(busy.Send(Get("/cgi-bin/slow?before=3000&during=10&lines=2")));
  ASSERT_TRUE(server_->Await([](const auto& status) { return status.at("cgi_processes") == 1; }));
  const auto workers = Json({"workers"}).at("workers");
  const std::string slot = workers[0].at("busy") == 1 ? "0" : "1";
  EXPECT_TRUE(Ctl({"drain", slot}).ok());
  EXPECT_TRUE(Ctl({"drain", slot}).ok()) << "again";
  ExpectRefused({"drain", slot == "0" ? "1" : "0"}, "is the only one that is not drained");
  const auto answer = busy.Receive();
  ASSERT_TRUE(answer) << busy.error();
  EXPECT_EQ(answer->body, "line 0\nline 1\n");
  ASSERT_TRUE(server_->AwaitTotal("exits", 1));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(HttpClient(server_->address()).Ask(Get("/")));
  EXPECT_TRUE(busy.Ask(Get("/"))) << "it is another's now";
  const auto drained = Json({"workers"}).at("workers").at(slot == "0" ? 0 : 1);
  EXPECT_EQ(drained.at("state"), "drained");
  EXPECT_EQ(drained.at("pid"), 0);
  EXPECT_TRUE(Ctl({"recycle", slot}).ok());
  EXPECT_TRUE(server_->AwaitQuiet()) << "both are ready";
  EXPECT_EQ(server_->Total("lost"), 0u);
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(CtlTest, ResizeAndRecycle) {
  Start(2, true);
  EXPECT_EQ(Json({"resize", "3"}).at("workers"), 3);
  ASSERT_TRUE(server_->Await([](const auto& status) {
    return status.at("workers").size() == 3 && status.at("workers")[2].at("state") == "ready";
  }));
  EXPECT_TRUE(Ctl({"recycle", "2"}).ok());
  ASSERT_TRUE(
      server_->Await([](const auto& status) { return status.at("workers")[2].at("incarnation") == 2; }));
  for (const char* wrong : {"0", "10000", "18446744073709551616", "-1", "many", ""})
    ExpectRefused({"resize", wrong}, "hydrapool ctl: ", *wrong == '\0' ? 2 : 1);
  ExpectRefused({"drain", "3"}, "there is no slot 3: they are 0 to 2");
  ExpectRefused({"recycle", "18446744073709551615"}, "there is no slot");
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(CtlTest, ReloadAndUpgradeWaitForTheProgram) {
  std::ofstream(scratch_ / "toml") << "workers = 2\n";
  Start(0, true, {"--config", scratch_ / "toml"});
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Ask(Get("/?1")));
  EXPECT_EQ(Json({"reload"}).at("program"), 2);
  EXPECT_EQ(Json({"upgrade"}).at("program"), 3);
  std::ofstream(scratch_ / "toml") << "wrokers = 2\n";
  ExpectRefused({"reload"}, "reload refused: all stays as it was");
  for (const std::string series :
       {R"(program_starts_total{cause="start"} 1)", R"(program_starts_total{cause="reload"} 1)",
        R"(program_starts_total{cause="upgrade"} 1)", R"(program_starts_total{cause="supervisor_died"} 0)",
        "program_refusals_total 1", "parents_total 3"})
    EXPECT_TRUE(Eventually([&] {
      return Metrics().find("\nhydrapool_" + series + "\n") != std::string::npos;
    })) << series;
  EXPECT_TRUE(client.Ask(Get("/?2"))) << client.error();
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(CtlTest, WithoutASupervisorNothingCanFollow) {
  Start(1);
  ExpectRefused({"reload"}, "there is no supervisor");
}

TEST_F(CtlTest, WatchTellsOfWorkersParentsAndPrograms) {
  Start(2, true);
  auto line = Line({"watch", "--json"});
  line.insert(line.begin(), {"sh", "-c", R"(exec "$@" > ")" + scratch_ / "events" + "\"", "sh"});
  Command watch(line);
  const auto tells = [&](const std::string& words) {
    return Eventually([&] { return ReadFile(scratch_ / "events").find(words) != std::string::npos; });
  };
  ASSERT_TRUE(tells(R"("event":"watching","workers":2)"));
  const pid_t worker = server_->Workers().front();
  sys::Kill(worker, SIGKILL);
  EXPECT_TRUE(tells(fmt::format(R"("pid":{},"cause":"SIGKILL")", worker)));
  EXPECT_TRUE(tells(R"("event":"worker-ready")"));
  sys::Kill(server_->Status().at("parent").at("pid").get<pid_t>(), SIGKILL);
  EXPECT_TRUE(tells(R"("event":"parent-replaced","parents":2)"));
  EXPECT_TRUE(Ctl({"reload"}).ok());
  EXPECT_TRUE(tells(R"("event":"program-replaced","program":2)"));
  EXPECT_TRUE(Ctl({"resize", "3"}).ok());
  EXPECT_TRUE(tells(R"("event":"resized","workers":3)"));
  EXPECT_TRUE(server_->Stop().clean());
  EXPECT_TRUE(watch.Wait(std::chrono::seconds(20)).ok()) << "it ends with the server";
}

TEST_F(CtlTest, ItsSocketIsItsUsersAndTheNextServerReplacesIt) {
  Start(1, true,
        ::geteuid() == 0 ? std::vector<std::string>{"--user", "nobody"} : std::vector<std::string>{});
  struct stat there {};
  ASSERT_EQ(::lstat(path_.c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 07777, 0600u);
  EXPECT_EQ(there.st_uid, ::geteuid() == 0 ? sys::FindUser("nobody")->uid : ::geteuid());
  EXPECT_TRUE(Ctl({"reload"}).ok());
  const Finished second = RunProgram({HYDRAPOOL_BIN_DIR "/hydrapool", "--listen", "127.0.0.1:0", "--admin",
                                      "off", "--control", path_, "--log-level", "warn"});
  EXPECT_EQ(second.status.code, 1);
  EXPECT_EQ(std::ranges::count(second.output, '\n'), 1) << second.output;
  EXPECT_THAT(second.output, HasSubstr(path_ + ": Address already in use"));
  EXPECT_TRUE(Ctl({"workers"}).ok()) << "the first one is untouched";
  EXPECT_TRUE(server_->Stop().clean());
  ExpectRefused({"workers"}, "Connection refused");
  Start(1);
  EXPECT_TRUE(Ctl({"workers"}).ok());
}

TEST_F(CtlTest, WrongUseIsALine) {
  ExpectRefused({"workers"}, "No such file or directory");
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"works"},
                                                {"drain"},
                                                {"workers", "1"},
                                                {"resize", "1", "2"},
                                                {},
                                                {"--nonsense"}})
    ExpectRefused(wrong, "see hydrapool ctl --help", 2);
  EXPECT_THAT(Ctl({"--help"}).output, HasSubstr("Usage: hydrapool ctl [OPTIONS] command"));
  const Finished nowhere = RunProgram({HYDRAPOOL_BIN_DIR "/hydrapool", "ctl", "workers"});
  EXPECT_EQ(nowhere.status.code, 2);
  EXPECT_THAT(nowhere.output, HasSubstr("which server?"));
}

}  // namespace
}  // namespace hydrapool::support
