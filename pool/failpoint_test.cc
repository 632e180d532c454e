#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/request_paths.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

using std::string;

/// Every point at which a worker may die, in the order in which a request passes them.
const std::vector<string> kPoints{
    "worker.received",  "worker.claimed",   "worker.peeked",     "worker.place_claimed", "worker.prepared",
    "worker.offered",   "cgi.spawned",      "worker.noted",      "worker.responding",    "worker.partly_fed",
    "worker.fed",       "cgi.head_noted",   "cgi.head_taken",    "cgi.answer_noted",     "cgi.redirecting",
    "cgi.stream_noted", "cgi.answered",     "cgi.streaming",     "worker.partly_sent",   "worker.sent",
    "worker.consumed",  "worker.committed", "worker.closing",    "worker.shut",          "worker.closed",
    "worker.returned",  "worker.body_held", "worker.taken",      "worker.process_left",  "cgi.spooled",
    "cgi.body_whole",   "cgi.redirected",   "cgi.framing_noted", "cgi.framing_taken",    "files.held",
    "files.sending"};

/// Those that need options of their own, and are killed at in tests of their own: cgi_queue_test.cc,
/// access_log_test.cc, max_cgi_test.cc.
const std::set<string> kElsewhere{"cgi.cgroup_made", "cgi.ordered", "cgi.waits_for_a_place", "worker.in_line",
                                  "worker.told_answered"};

/// Kills a worker that a failpoint has stopped. Only its parent is told of a stop, so this looks every
/// millisecond until it is destroyed.
class Executioner {
 public:
  explicit Executioner(const ServerProcess& server)
      : thread_([&server](const std::stop_token& done) {
          std::mutex mutex;
          std::condition_variable_any never;
          const auto look = [&server] {
            for (const pid_t worker : ChildrenOf(server.pid())) {
              if (IsStopped(worker)) server.SignalWorker(worker, SIGKILL);
            }
            return false;
          };
          std::unique_lock lock(mutex);
          while (!done.stop_requested()) never.wait_for(lock, done, std::chrono::milliseconds(1), look);
        }) {}

 private:
  static bool IsStopped(pid_t process) {
    std::ifstream file(fmt::format("/proc/{}/stat", process));
    string stat;
    std::getline(file, stat);
    return stat.find(") T ") != stat.npos;
  }

  std::jthread thread_;
};

class FailpointTest : public ::testing::TestWithParam<std::tuple<Path, string, string>> {
 protected:
  void SetUp() override {
    if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  }
};

TEST_P(FailpointTest, YieldsExactlyOneWholeAnswer) {
  const auto& [path, point, action] = GetParam();
  const ScratchDir programs;
  const string record = programs / "executions";
  MakeRequestPrograms(programs, record);
  ServerProcess server({.cgi_dir = programs.path().string(),
                        .flags = SiteFlags(programs),
                        .failpoints = fmt::format("{}={}", point, action),
                        .listen = path.local ? "unix:" + (programs / "socket") : "127.0.0.1:0"});
  {
    const Executioner executioner(server);
    if (HttpClient client(server.address()); true) path.exchange(client);
    if (path.passes.contains(point) && !action.starts_with("kill@2")) {
      EXPECT_TRUE(server.AwaitTotal("exits", 1)) << point << " was not passed";
    }
    EXPECT_TRUE(server.AwaitQuiet());
  }
  for (const string& id : path.ids) EXPECT_EQ(Executions(record)[id], 1) << id;
  const auto totals = server.Status().at("totals");
  for (const string name : {"lost", "cut", "abandoned", "poison", "unavailable"})
    EXPECT_EQ(totals.at(name), 0) << name;
  EXPECT_TRUE(server.Stop().clean());
}

// Wherever between the two programs of a local redirect.
TEST(RedirectFailpointTest, RunsEachProgramOnce) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  for (const string point : {"cgi.redirecting=kill", "cgi.redirecting=kill,cgi.redirecting=kill",
                             "worker.process_left=kill", "cgi.redirected=kill", "worker.prepared=kill@2",
                             "cgi.redirected=kill,worker.prepared=kill@2", "cgi.spawned=kill@2"}) {
    const ScratchDir programs;
    const string record = programs / "executions";
    MakeCountingPrograms(programs, {"record", "redirect"}, record);
    std::filesystem::copy_file(SamplesDir() + "/hello", programs / "hello");
    ServerProcess server({.workers = 1, .cgi_dir = programs.path().string(), .failpoints = point});
    HttpClient client(server.address());
    const auto answer = client.Ask(Get("/cgi-bin/redirect?local"));
    ASSERT_TRUE(answer) << point << ": " << client.error();
    EXPECT_EQ(answer->status, 200) << point;
    EXPECT_EQ(Executions(record)["local"], 1) << point;
    EXPECT_TRUE(server.AwaitTotal("exits", 1)) << point;
    EXPECT_TRUE(server.Stop().clean());
  }
}

TEST(RedirectFailpointTest, AFileIsSentWhole) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  for (const string point : {"cgi.redirecting=kill", "worker.process_left=kill", "cgi.redirected=kill",
                             "cgi.redirected=kill,worker.responding=kill", "worker.responding=kill"}) {
    const ScratchDir programs;
    const string record = programs / "executions";
    std::filesystem::create_directory(programs.path() / "www");
    std::ofstream(programs / "www/page") << "a page\n";
    WriteProgram(programs / "lead",
                 "#!/bin/sh\necho GET lead >>" + record + "\nprintf 'Location: /page\\n\\n'\n");
    ServerProcess server({.workers = 1,
                          .cgi_dir = programs.path().string(),
                          .flags = {"--mount", "/=files:" + (programs / "www")},
                          .failpoints = point});
    HttpClient client(server.address());
    EXPECT_EQ(client.Ask(Get("/cgi-bin/lead")).value_or(HttpAnswer{}).body, "a page\n") << point;
    EXPECT_EQ(client.Ask(Get("/page")).value_or(HttpAnswer{}).body, "a page\n") << point;
    EXPECT_EQ(Executions(record)["lead"], 1) << point;
    EXPECT_TRUE(server.AwaitTotal("exits", 1)) << point;
    EXPECT_TRUE(server.Stop().clean());
  }
}

string NameOf(const ::testing::TestParamInfo<std::tuple<Path, string, string>>& info) {
  string name = std::get<0>(info.param).name + "_" + std::get<1>(info.param) + "_" + std::get<2>(info.param);
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Kill, FailpointTest,
                         ::testing::Combine(::testing::ValuesIn(Paths()), ::testing::ValuesIn(kPoints),
                                            ::testing::Values("kill@1%3", "kill@2%2")),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Stop, FailpointTest,
                         ::testing::Combine(::testing::ValuesIn(Paths()),
                                            ::testing::Values("worker.claimed", "worker.offered",
                                                              "worker.responding", "worker.sent",
                                                              "cgi.streaming", "worker.closing"),
                                            ::testing::Values("stop@1")),
                         NameOf);

TEST(FailpointNamesTest, AreThoseInTheSources) {
  namespace fs = std::filesystem;
  std::set<string> found;
  const std::regex mention("HYDRAPOOL_FAILPOINT\\(\"([^\"]+)\"\\)");
  for (const string folder : {"parent", "shared", "worker", "cgi", "files"}) {
    for (const auto& entry : fs::directory_iterator(HYDRAPOOL_SOURCE_DIR "/pool/" + folder)) {
      const string text = ReadFile(entry.path().string());
      for (std::sregex_iterator at(text.begin(), text.end(), mention), end; at != end; ++at)
        if (const string name = (*at)[1]; !name.starts_with("parent.")) found.insert(name);
    }
  }
  std::set<string> tested = kElsewhere;
  tested.insert(kPoints.begin(), kPoints.end());
  EXPECT_EQ(found, tested);
}

}  // namespace
}  // namespace hydrapool::support
