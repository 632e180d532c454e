// What an operator sees of the server: /metrics, /readyz and the log.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "pool/admin/client.h"
#include "pool/sys/kill.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

using Series = std::map<std::string, double>;

admin::Page Page(const ServerProcess& server, const std::string& path) {
  return admin::HttpGet(server.admin(), path, std::chrono::seconds(20)).value_or(admin::Page{.status = 0});
}

Series Scrape(const ServerProcess& server) {
  Series series;
  std::istringstream lines(Page(server, "/metrics").body);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#'))
      series[line.substr(0, line.rfind(' '))] = std::stod(line.substr(line.rfind(' ')));
  }
  return series;
}

double Metric(const ServerProcess& server, const std::string& name) {
  const Series series = Scrape(server);
  const auto found = series.find("hydrapool_" + name);
  if (found != series.end()) return found->second;
  ADD_FAILURE() << "no series " << name;
  return -1;
}

std::string Ended(const std::string& cause) { return "cgi_ended_total{cause=\"" + cause + "\"}"; }

std::size_t LinesWith(const std::string& text, const std::string& words) {
  std::size_t count = 0;
  for (auto at = text.find(words); at != text.npos; at = text.find(words, at + 1)) ++count;
  return count;
}

std::unique_ptr<HttpClient> Asking(const ServerProcess& server, const std::string& target) {
  auto client = std::make_unique<HttpClient>(server.address());
  EXPECT_TRUE(client->Send(Get(target)));
  return client;
}

TEST(DeathInTheLogTest, IsOneLineThatSaysWhoseWhyAndWhatBecameOfWhatItHeld) {
  ServerProcess server({.workers = 1});
  HttpClient idle(server.address());
  ASSERT_TRUE(idle.Ask(Get("/")));
  const auto slow = Asking(server, "/cgi-bin/slow?before=5000");
  ASSERT_TRUE(server.AwaitTotal("cgi_started", 1));
  const pid_t worker = server.Workers().at(0);
  server.SignalWorker(worker, SIGKILL);
  const std::string line = fmt::format("worker 0 (pid {}) ended by SIGKILL after ", worker);
  ASSERT_TRUE(Eventually([&] { return LinesWith(server.Log(), line) > 0; })) << server.Log();
  const std::string log = server.Log();
  EXPECT_NE(log.find("s; carried on: 1 idle, 1 executing\n"), log.npos) << log;
  EXPECT_EQ(slow->Receive().value_or(HttpAnswer{}).status, 200);
  EXPECT_EQ(LinesWith(server.Log(), line), 1u);
  EXPECT_TRUE(server.Stop().clean());
}

TEST(DeathInTheLogTest, ManyAreSummedUp) {
  ServerProcess server({.workers = 8});
  const auto summed_up = [&] { return LinesWith(server.Log(), "more workers or CGI programs ended") > 0; };
  for (int round = 0; !summed_up() && round < 100; ++round) {
    const std::uint64_t deaths = server.Total("exits");
    for (const pid_t worker : server.Workers()) server.SignalWorker(worker, SIGKILL);
    ASSERT_TRUE(server.AwaitTotal("exits", deaths + 1));
    ASSERT_TRUE(server.AwaitQuiet());
  }
  EXPECT_TRUE(summed_up());
  EXPECT_LT(LinesWith(server.Log(), "ended by SIGKILL"), server.Total("exits"));
  EXPECT_TRUE(server.Stop().clean());
}

/// Programs that end in each way that there is.
class ProgramEndTest : public ::testing::Test {
 protected:
  void Program(const std::string& name, const std::string& body) const {
    WriteProgram(directory_ / name, "#!/bin/sh\n" + body + "\n");
  }
  const ScratchDir directory_;
};

TEST_F(ProgramEndTest, IsCountedByItsCause) {
  Program("well", "printf 'Content-Type: text/plain\\n\\nhello'");
  Program("fails", "printf 'Content-Type: text/plain\\n\\nhello'; exit 3");
  Program("crashes", "kill -SEGV $$");
  Program("hangs", "exec sleep 60");
  ServerProcess server({.cgi_dir = directory_.path().string(), .flags = {"--cgi-timeout", "1s"}});
  for (const auto* target : {"well", "well", "fails", "crashes"})
    EXPECT_TRUE(HttpClient(server.address()).Ask(Get(fmt::format("/cgi-bin/{}", target))));
  const auto hanging = Asking(server, "/cgi-bin/hangs");
  EXPECT_EQ(hanging->Receive().value_or(HttpAnswer{}).status, 504);
  const std::uint64_t started = server.Total("cgi_started");
  const auto gone = Asking(server, "/cgi-bin/hangs");
  ASSERT_TRUE(server.AwaitTotal("cgi_started", started + 1));
  gone->Abort();

  const std::map<std::string, double> expected{{"exit_0", 2},  {"exit_nonzero", 1}, {"signal", 1},
                                               {"timeout", 1}, {"terminated", 1},   {"out_of_memory", 0},
                                               {"unknown", 0}};
  for (const auto& [cause, count] : expected)
    EXPECT_TRUE(Eventually([&] { return Metric(server, Ended(cause)) == count; })) << cause;
  EXPECT_EQ(Metric(server, "cgi_processes"), 0);
  EXPECT_EQ(LinesWith(server.Log(), "CGI program crashes (pid "), 1u) << server.Log();
  EXPECT_EQ(LinesWith(server.Log(), ") ended by SIGSEGV"), 1u);
  EXPECT_EQ(LinesWith(server.Log(), "CGI program "), 1u);
  EXPECT_TRUE(server.Stop().clean());
}

std::string Requests(const std::string& mount, const std::string& code) {
  return fmt::format(R"(request_seconds_count{{mount="{}",code="{}"}})", mount, code);
}

TEST(MountsInTheMetricsTest, EachRequestIsItsMountsWhoeverAnswersIt) {
  const ScratchDir files;
  std::ofstream(files / "a.txt") << "a file";
  ServerProcess server({.workers = 1, .flags = {"--mount", "/doc/=files:" + files.path().string()}});
  const auto slow = Asking(server, "/cgi-bin/slow?before=700");
  ASSERT_TRUE(server.AwaitTotal("cgi_started", 1));
  server.SignalWorker(server.Workers().at(0), SIGKILL);
  EXPECT_EQ(slow->Receive().value_or(HttpAnswer{}).status, 200);
  HttpClient client(server.address());
  ASSERT_TRUE(client.Send(Get("/") + Get("/doc/a.txt") + Get("/doc/none") + Get("/cgi-bin/none") + Get("/")));
  for (const int status : {200, 200, 404, 404, 200})
    EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).status, status);
  const std::map<std::string, double> expected{{Requests("none", "2xx"), 2},
                                               {Requests("/doc/", "2xx"), 1},
                                               {Requests("/doc/", "4xx"), 1},
                                               {Requests("/cgi-bin/", "2xx"), 1},
                                               {Requests("/cgi-bin/", "4xx"), 1},
                                               {R"(cgi_seconds_count{mount="/cgi-bin/"})", 1},
                                               {R"(cgi_seconds_count{mount="/doc/"})", 0}};
  for (const auto& [series, count] : expected)
    EXPECT_TRUE(Eventually([&] { return Metric(server, series) == count; })) << series;
  EXPECT_GT(Metric(server, R"(cgi_seconds_sum{mount="/cgi-bin/"})"), 0.6);
  EXPECT_TRUE(server.Stop().clean());
}

TEST(ExemplarsTest, ASlowRequestIsNamedByItsId) {
  ServerProcess server;
  EXPECT_TRUE(
      HttpClient(server.address()).Ask(Get("/cgi-bin/slow?before=300", "X-Request-Id: slow-one\r\n")));
  const auto page = [&](const std::string& accept) {
    const auto answer = HttpClient(server.admin()).Ask(Get("/metrics", accept));
    return answer.value_or(HttpAnswer{});
  };
  const std::string bucket = R"(hydrapool_request_seconds_bucket{mount="/cgi-bin/",code="2xx",le=")";
  const std::string name = R"("} 1 # {request_id="slow-one"} )";
  std::string below;  // the bucket before it
  std::string line;
  ASSERT_TRUE(Eventually([&] {
    std::istringstream lines(page("Accept: application/openmetrics-text;version=1.0.0\r\n").body);
    while (std::getline(lines, line) && (!line.starts_with(bucket) || line.find(name) == line.npos))
      below = line;
    return !lines.fail();
  }));
  const double seconds = std::stod(line.substr(line.find(name) + name.size()));
  EXPECT_GT(seconds, 0.3) << line;
  EXPECT_LE(seconds, std::stod(line.substr(bucket.size()))) << line;
  EXPECT_TRUE(below.starts_with(bucket) && below.ends_with("\"} 0")) << below;
  EXPECT_EQ(page("Accept: application/openmetrics-text\r\n").Field("Content-Type"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_EQ(page("").Field("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(page("").body.find("slow-one"), std::string::npos);
  EXPECT_TRUE(server.Stop().clean());
}

TEST(HeartbeatTest, AFrozenWorkerIsSeenThoughItHasNothingToDo) {
  ServerProcess server({.flags = {"--stall-timeout", "0"}});
  EXPECT_EQ(Page(server, "/readyz").body, "ready\n");
  const auto workers = server.Workers();
  server.SignalWorker(workers.at(0), SIGSTOP);
  const auto frozen = [&] {
    const Series series = Scrape(server);
    return std::ranges::count_if(series, [](const auto& each) {
      return each.first.starts_with("hydrapool_worker_heartbeat_age_seconds{") && each.second > 3;
    });
  };
  EXPECT_TRUE(Eventually([&] { return frozen() == 1; }));
  EXPECT_EQ(Page(server, "/readyz").status, 200);
  server.SignalWorker(workers.at(1), SIGSTOP);
  EXPECT_TRUE(Eventually([&] { return frozen() == 2; }));
  EXPECT_EQ(Page(server, "/readyz").status, 503);
  EXPECT_EQ(Page(server, "/readyz").body, "not ready: no live worker\n");
  EXPECT_EQ(Page(server, "/livez").status, 200);
  EXPECT_EQ(Metric(server, "ready"), 0);
  for (const pid_t worker : workers) server.SignalWorker(worker, SIGCONT);
  EXPECT_TRUE(Eventually([&] { return Page(server, "/readyz").status == 200; }));
  EXPECT_TRUE(server.Stop().clean());
}

TEST(OldestRequestTest, DoesNotGrowYoungerByItsWorkersDeath) {
  ServerProcess server({.workers = 1});
  const auto slow = Asking(server, "/cgi-bin/slow?before=6000");
  ASSERT_TRUE(Eventually([&] { return Metric(server, "requests_in_execution") == 1; }));
  const double age = Metric(server, "oldest_request_age_seconds");
  EXPECT_GT(age, 0);
  server.SignalWorker(server.Workers().at(0), SIGKILL);
  ASSERT_TRUE(server.AwaitTotal("rescued", 1));
  EXPECT_GT(Metric(server, "oldest_request_age_seconds"), age);
  EXPECT_EQ(slow->Receive().value_or(HttpAnswer{}).status, 200);
  EXPECT_TRUE(Eventually([&] { return Metric(server, "oldest_request_age_seconds") == 0; }));
  EXPECT_EQ(Metric(server, "requests_in_execution"), 0);
  EXPECT_TRUE(server.Stop().clean());
}

TEST(FullPoolTest, IsNotReadyAfterAWhileAndReadyAgainWithRoom) {
  ServerProcess server({.flags = {"--max-connections", "2"}});
  EXPECT_EQ(Metric(server, "connections_limit"), 2);
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(Asking(server, "/cgi-bin/slow?before=60000"));
  EXPECT_TRUE(Eventually([&] { return Metric(server, "full_seconds") > 0; }));
  EXPECT_TRUE(Eventually([&] { return Page(server, "/readyz").body == "not ready: full\n"; }));
  EXPECT_GT(Metric(server, "full_seconds"), 4);
  for (const auto i : {1u, 2u}) clients[i]->Abort();
  EXPECT_TRUE(Eventually([&] { return Page(server, "/readyz").body == "ready\n"; }));
  EXPECT_EQ(Metric(server, "full_seconds"), 0);
}

TEST(DrainNoticeTest, IsSaidWhileNewcomersAreStillServed) {
  ServerProcess server({.flags = {"--drain-notice", "60s"}});
  server.Signal(SIGTERM);
  EXPECT_TRUE(Eventually([&] { return Page(server, "/readyz").body == "not ready: draining\n"; }));
  EXPECT_EQ(Metric(server, "draining"), 1);
  EXPECT_EQ(HttpClient(server.address()).Ask(Get("/")).value_or(HttpAnswer{}).status, 200);
  server.Signal(SIGTERM);  // at once
  EXPECT_TRUE(server.WaitForEnd(std::chrono::seconds(10)).clean());
}

TEST(DrainNoticeTest, EndsByItself) {
  ServerProcess server({.flags = {"--drain-notice", "300ms"}});
  HttpClient kept(server.address());
  ASSERT_TRUE(kept.Ask(Get("/")));
  EXPECT_TRUE(server.Stop().clean());
  EXPECT_EQ(kept.Rest(false), "");
}

bool MayOnlyGrow(const std::string& series) {
  const std::string name = series.substr(0, series.find('{'));
  return name.starts_with("hydrapool_") && (name.ends_with("_total") || name.ends_with("_count") ||
                                            name.ends_with("_sum") || name.ends_with("_bucket"));
}

TEST(CountersTest, NeitherEndNorFallWhicheverProcessIsKilled) {
  ServerProcess server({.supervised = true});
  Series before = Scrape(server);
  for (int round = 0; round < 6; ++round) {
    HttpClient client(server.address());
    ASSERT_TRUE(client.Ask(Get("/?" + std::string(2000, 'x'))));
    ASSERT_TRUE(client.Ask(Get("/cgi-bin/hello")));
    const auto status = server.Status();
    const pid_t victim = round % 2 == 0 ? status["parent"]["pid"] : status["workers"][0]["pid"];
    const auto deaths = [](const auto& at) {
      return at["parent"]["lives"].template get<int>() + at["totals"]["exits"].template get<int>();
    };
    const int so_far = deaths(status);
    ASSERT_EQ(sys::Kill(victim, SIGKILL), 0);
    ASSERT_TRUE(server.Await([&](const auto& now) { return deaths(now) > so_far; }));
    ASSERT_TRUE(server.AwaitQuiet());
    const Series after = Scrape(server);
    EXPECT_EQ(before.size(), after.size());
    for (const auto& [series, value] : before) {
      ASSERT_TRUE(after.contains(series)) << series;
      if (!MayOnlyGrow(series)) continue;
      EXPECT_GE(after.at(series), value) << series;
    }
    before = after;
  }
  EXPECT_GE(before.at("hydrapool_parents_total"), 3);
  const auto sum = [&before](const std::string& name) {
    return before.at(name + "{slot=\"0\"}") + before.at(name + "{slot=\"1\"}");
  };
  EXPECT_GT(sum("hydrapool_worker_received_bytes_total"), 6 * 2000);
  EXPECT_GT(sum("hydrapool_worker_sent_bytes_total"), 6 * 2000);
  EXPECT_TRUE(Eventually([&] { return Metric(server, "worker_cpu_seconds_total{slot=\"0\"}") > 0; }));
  EXPECT_TRUE(server.Stop().clean());
}

}  // namespace
}  // namespace hydrapool::support
