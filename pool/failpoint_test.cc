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
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

using std::string;

/// Every point at which a worker may die, in the order in which a request passes them.
const std::vector<string> kPoints{
    "worker.received",  "worker.claimed",   "worker.peeked",  "worker.place_claimed", "worker.prepared",
    "worker.offered",   "cgi.spawned",      "worker.noted",   "worker.responding",    "worker.partly_fed",
    "worker.fed",       "cgi.head_noted",   "cgi.head_taken", "cgi.answer_noted",     "cgi.redirecting",
    "cgi.stream_noted", "cgi.answered",     "cgi.streaming",  "worker.partly_sent",   "worker.sent",
    "worker.consumed",  "worker.committed", "worker.closing", "worker.shut",          "worker.closed",
    "worker.returned",  "worker.body_held", "worker.taken",   "worker.process_left",  "cgi.spooled",
    "cgi.body_whole",   "cgi.redirected"};

const std::set<string> kAlways{"worker.received",   "worker.claimed", "worker.peeked",   "worker.noted",
                               "worker.responding", "worker.sent",    "worker.consumed", "worker.committed",
                               "worker.closed",     "worker.returned"};
const std::set<string> kStart{"worker.place_claimed", "worker.prepared", "worker.offered", "cgi.spawned",
                              "worker.process_left"};
const std::set<string> kSpool{"worker.body_held", "worker.taken", "cgi.spooled", "cgi.body_whole"};
const std::set<string> kStream{"cgi.head_noted", "cgi.head_taken", "cgi.answer_noted", "cgi.stream_noted",
                               "cgi.streaming"};

std::set<string> operator+(std::set<string> all, const std::set<string>& more) {
  all.insert(more.begin(), more.end());
  return all;
}

void ExpectBody(const std::optional<HttpAnswer>& answer, const HttpClient& client, const string& body) {
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->status, 200) << answer->head;
  EXPECT_EQ(answer->body.size(), body.size());
  EXPECT_TRUE(answer->body == body) << "the body is not the one that was asked for";
}

/// What a client does and sees; the ids of the CGI requests it makes are to be executed once each.
struct Path {
  string name;
  std::set<string> passes;
  std::vector<string> ids;
  std::function<void(HttpClient&)> exchange;
  bool local = false;  ///< over a UNIX socket
};

void PrintTo(const Path& path, std::ostream* out) { *out << path.name; }

void AskInTurn(HttpClient& client, const std::vector<std::pair<string, string>>& requests) {
  for (const auto& [request, body] : requests) {
    ExpectBody(client.Ask(request), client, body);
    if (::testing::Test::HasFatalFailure()) return;
  }
  EXPECT_EQ(client.Rest(), "");
}

void AddPlainPaths(std::vector<Path>& paths) {
  paths.push_back({"keep_alive", kAlways, {}, [](HttpClient& client) {
                     AskInTurn(client, {{Get("/?1"), "hello 1\n"}, {Get("/?2"), "hello 2\n"}});
                   }});
  paths.push_back({"pipelined", kAlways, {}, [](HttpClient& client) {
                     string batch;
                     for (int id = 1; id <= 5; ++id) batch += Get(fmt::format("/?{}", id));
                     ASSERT_TRUE(client.Send(batch));
                     for (int id = 1; id <= 5; ++id)
                       ExpectBody(client.Receive(), client, fmt::format("hello {}\n", id));
                     EXPECT_EQ(client.Rest(), "");
                   }});
  paths.push_back(
      {"close", kAlways + std::set<string>{"worker.closing", "worker.shut"}, {}, [](HttpClient& client) {
         ExpectBody(client.Ask(Get("/?1", "Connection: close\r\n")), client, "hello 1\n");
         EXPECT_EQ(client.Rest(false), "");
       }});
}

void AddProgramPaths(std::vector<Path>& paths) {
  paths.push_back(
      {"cgi_get",
       kAlways + kStart + std::set<string>{"cgi.answered"},
       {"id=a", "id=b"},
       [](HttpClient& client) {
         AskInTurn(client, {{Get("/cgi-bin/record?id=a"), "a\n"}, {Get("/cgi-bin/record?id=b"), "b\n"}});
       }});
  paths.push_back({"cgi_get_close",
                   kAlways + kStart + std::set<string>{"cgi.answered", "worker.closing", "worker.shut"},
                   {"id=a"},
                   [](HttpClient& client) {
                     ExpectBody(client.Ask(Get("/cgi-bin/record?id=a", "Connection: close\r\n")), client,
                                "a\n");
                     EXPECT_EQ(client.Rest(false), "");
                   }});
  paths.push_back(
      {"cgi_post", kAlways + kStart + std::set<string>{"cgi.answered"}, {"id=a"}, [](HttpClient& client) {
         AskInTurn(client, {{Post("/cgi-bin/echo?id=a", "some body"), "some body"},
                            {Get("/?after"), "hello after\n"}});
       }});
  paths.push_back(
      {"cgi_nph",
       kAlways + kStart +
           std::set<string>{"cgi.answer_noted", "cgi.streaming", "worker.closing", "worker.shut"},
       {"id=a"},
       [](HttpClient& client) { ExpectBody(client.Ask(Get("/cgi-bin/nph-hello?id=a")), client, "raw\n"); }});
  paths.push_back({"cgi_head",
                   kAlways + kStart + std::set<string>{"cgi.answered"},
                   {"bytes=1000000"},
                   [](HttpClient& client) {
                     const auto answer =
                         client.Ask("HEAD /cgi-bin/flood?bytes=1000000 HTTP/1.1\r\nHost: test\r\n\r\n", true);
                     ASSERT_TRUE(answer) << client.error();
                     EXPECT_EQ(answer->status, 200);
                     AskInTurn(client, {{Get("/?after"), "hello after\n"}});
                   }});
}

void AddStreamPaths(std::vector<Path>& paths) {
  const string large = FloodBody(300'000);
  paths.push_back(
      {"cgi_large_post",
       kAlways + kStart + kStream + std::set<string>{"worker.fed", "worker.partly_fed"},
       {"id=a"},
       [large](HttpClient& client) {
         AskInTurn(client, {{Post("/cgi-bin/echo?id=a", large), large}, {Get("/?after"), "hello after\n"}});
       }});
  for (const std::size_t bytes : {9'000u, 1'300'000u}) {
    const string body = FloodBody(bytes);
    paths.push_back({fmt::format("cgi_chunked_post_{}", bytes),
                     kAlways + kStart + kSpool,
                     {"id=a"},
                     [body](HttpClient& client) {
                       AskInTurn(client, {{ChunkedPost("/cgi-bin/echo?id=a", body, 4'000), body},
                                          {Get("/?after"), "hello after\n"}});
                     }});
  }
  paths.push_back({"cgi_redirect",
                   kAlways + kStart + std::set<string>{"cgi.redirecting", "cgi.redirected"},
                   {"local", "redirected"},
                   [](HttpClient& client) {
                     AskInTurn(client, {{Get("/cgi-bin/redirect?local"), "hello redirected\n"},
                                        {Get("/?after"), "hello after\n"}});
                   }});
  const string flood = FloodBody(1'000'000);
  for (const string length : {"", "&length=1"}) {
    const string query = "bytes=1000000" + length;
    paths.push_back(
        {length.empty() ? "cgi_flood" : "cgi_flood_by_length",
         kAlways + kStart + kStream,
         {query},
         [query, flood](HttpClient& client) {
           AskInTurn(client, {{Get("/cgi-bin/flood?" + query), flood}, {Get("/?after"), "hello after\n"}});
         }});
  }
  paths.push_back({"cgi_flood_to_the_end",
                   kAlways + kStart + kStream + std::set<string>{"worker.closing", "worker.shut"},
                   {"bytes=1000000"},
                   [flood](HttpClient& client) {
                     ExpectBody(client.Ask("GET /cgi-bin/flood?bytes=1000000 HTTP/1.0\r\n\r\n"), client,
                                flood);
                   }});
  paths.push_back({"cgi_slow_to_the_end",
                   kAlways + kStart + kStream + std::set<string>{"worker.closing", "worker.shut"},
                   {"before=0&during=30&lines=4"},
                   [](HttpClient& client) {
                     ExpectBody(client.Ask("GET /cgi-bin/slow?before=0&during=30&lines=4 HTTP/1.0\r\n\r\n"),
                                client, "line 0\nline 1\nline 2\nline 3\n");
                   }});
  paths.push_back(
      {"cgi_slow", kAlways + kStart + kStream, {"before=0&during=30&lines=4"}, [](HttpClient& client) {
         AskInTurn(client,
                   {{Get("/cgi-bin/slow?before=0&during=30&lines=4"), "line 0\nline 1\nline 2\nline 3\n"},
                    {Get("/?after"), "hello after\n"}});
       }});
}

std::vector<Path> Paths() {
  std::vector<Path> paths;
  AddPlainPaths(paths);
  AddProgramPaths(paths);
  AddStreamPaths(paths);
  // The same over a socket whose bytes the kernel does not count.
  for (std::size_t i = 0, end = paths.size(); i < end; ++i) {
    Path path = paths[i];
    if (path.name == "cgi_large_post") path.passes = kAlways + kStart + kSpool;
    path.name += "_unix";
    path.local = true;
    paths.push_back(std::move(path));
  }
  return paths;
}

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
  MakeCountingPrograms(programs, {"record", "echo", "flood", "slow", "redirect", "hello"}, record);
  WriteProgram(programs / "nph-hello",
               "#!/bin/sh\necho GET $QUERY_STRING $$ >>" + record +
                   "\nprintf 'HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\nraw\\n'\n");
  ServerProcess server({.cgi_dir = programs.path().string(),
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
  for (const string folder : {"parent", "shared", "worker", "cgi"}) {
    for (const auto& entry : fs::directory_iterator(HYDRAPOOL_SOURCE_DIR "/pool/" + folder)) {
      const string text = ReadFile(entry.path().string());
      for (std::sregex_iterator at(text.begin(), text.end(), mention), end; at != end; ++at)
        found.insert((*at)[1]);
    }
  }
  EXPECT_EQ(found, std::set<string>(kPoints.begin(), kPoints.end()));
}

}  // namespace
}  // namespace hydrapool::support
