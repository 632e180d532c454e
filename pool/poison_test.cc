#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "pool/sys/error.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

/// A request whose courier crashes, twice, while its program runs.
struct Crash {
  std::string point;
  std::string request;
  bool answer_begun = false;
};
void PrintTo(const Crash& crash, std::ostream* out) { *out << crash.point; }

class CourierCrashTest : public ::testing::TestWithParam<Crash> {
 protected:
  void SetUp() override {
    if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
    std::filesystem::copy(SamplesDir(), programs.path(), std::filesystem::copy_options::recursive);
    sys::Check(::mkfifo((programs / "fifo").c_str(), 0600), "mkfifo");
    WriteProgram(programs / "wait", "#!/bin/sh\nread word <" + programs / "fifo" +
                                        "\nprintf 'Content-Type: text/plain\\n\\n%s' \"$word\"\n");
  }
  ScratchDir programs;
};

TEST_P(CourierCrashTest, StopsItsRequestVisiblyAtTheSecondAndNoOther) {
  const auto& [point, request, answer_begun] = GetParam();
  ServerProcess server(
      {.cgi_dir = programs.path().string(), .failpoints = point + "=crash," + point + "=crash"});
  HttpClient other(server.address());
  ASSERT_TRUE(other.Send(Get("/cgi-bin/wait")));
  ASSERT_TRUE(server.AwaitTotal("cgi_started", 1));

  {
    HttpClient client(server.address());
    const auto answer = client.Ask(request);
    EXPECT_EQ(answer.has_value(), !answer_begun) << client.error();
    EXPECT_EQ(answer.value_or(HttpAnswer{}).status, answer_begun ? 0 : 502);
  }
  const auto totals = server.Status().at("totals");
  EXPECT_EQ(totals.at("exits"), 2);
  EXPECT_EQ(totals.at("poison"), 1);
  EXPECT_EQ(totals.at("cut"), answer_begun ? 1 : 0);
  EXPECT_EQ(totals.at("cgi_started"), 2);
  EXPECT_TRUE(Eventually([&] { return server.Programs().size() == 1; })) << "its program runs on";

  std::ofstream(programs / "fifo") << "waited\n";
  EXPECT_EQ(other.Receive().value_or(HttpAnswer{}).body, "waited") << other.error();
  EXPECT_TRUE(server.Stop().clean());
}

INSTANTIATE_TEST_SUITE_P(At, CourierCrashTest,
                         ::testing::Values(Crash{"cgi.stream_noted", Get("/cgi-bin/flood?bytes=10000000")},
                                           Crash{"cgi.head_noted", Get("/cgi-bin/flood?bytes=10000000")},
                                           Crash{"cgi.streaming", Get("/cgi-bin/flood?bytes=10000000"), true},
                                           Crash{"worker.sent", Get("/cgi-bin/flood?bytes=10000000"), true},
                                           Crash{"worker.partly_fed",
                                                 Post("/cgi-bin/slow?before=60000", FloodBody(300'000))}),
                         [](const auto& crash) {
                           std::string name = crash.param.point;
                           name[name.find('.')] = '_';
                           return name;
                         });

TEST(CourierKillTest, IsNoStrike) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  ServerProcess server(
      {.failpoints = "cgi.answered=kill,cgi.answered=kill,cgi.answered=kill,cgi.answered=kill"});
  HttpClient client(server.address());
  const auto answer = client.Ask(Get("/cgi-bin/hello"));
  EXPECT_EQ(answer.value_or(HttpAnswer{}).status, 200) << client.error();
  const auto totals = server.Status().at("totals");
  EXPECT_EQ(totals.at("exits"), 4);
  EXPECT_EQ(totals.at("poison"), 0);
  EXPECT_EQ(totals.at("cgi_started"), 1);
  EXPECT_TRUE(server.Stop().clean());
}

pid_t Stopped(const ServerProcess& server) {
  for (const pid_t worker : server.Workers()) {
    const std::string stat = ReadFile("/proc/" + std::to_string(worker) + "/stat");
    if (stat.find(") T ") != stat.npos) return worker;
  }
  return 0;
}

TEST(CrashFromOutsideTest, IsNoStrike) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  ServerProcess server({.failpoints = "worker.peeked=stop,worker.peeked=stop,worker.peeked=stop"});
  HttpClient client(server.address());
  ASSERT_TRUE(client.Send(Get("/")));
  for (int deaths = 1; deaths <= 3; ++deaths) {
    pid_t worker = 0;
    ASSERT_TRUE(Eventually([&] { return (worker = Stopped(server)) != 0; })) << deaths;
    server.SignalWorker(worker, SIGABRT);
    server.SignalWorker(worker, SIGCONT);
    ASSERT_TRUE(server.AwaitTotal("exits", deaths));
  }
  EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).status, 200) << client.error();
  EXPECT_EQ(server.Status().at("totals").at("poison"), 0);
  EXPECT_TRUE(server.Stop().clean());
}

}  // namespace
}  // namespace hydrapool::support
