// The access log: a line for each answered request, whoever dies, in a file that a rotation may move away.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "pool/admin/client.h"
#include "pool/sys/kill.h"
#include "pool/testing/clients.h"
#include "pool/testing/faults.h"
#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

using Json = nlohmann::json;

class AccessLogTest : public ::testing::Test {
 protected:
  ServerProcess& Start(ServerOptions options = {}, const std::string& format = "json") {
    options.flags.insert(options.flags.end(), {"--access-log", path_, "--access-format", format});
    return server_.emplace(options);
  }
  [[nodiscard]] static std::vector<Json> LinesOf(const std::string& path) {
    std::vector<Json> lines;
    std::istringstream text(std::filesystem::exists(path) ? ReadFile(path) : "");
    for (std::string line; std::getline(text, line);) {
      lines.push_back(ParseJson(line));
      EXPECT_FALSE(lines.back().is_discarded()) << line;
    }
    return lines;
  }
  /// A line is there before the connection goes on, but not before its answer is.
  std::vector<Json> AwaitLines(std::size_t count) {
    EXPECT_TRUE(Eventually([&] { return LinesOf(path_).size() >= count; }));
    return LinesOf(path_);
  }

  ScratchDir scratch_;
  const std::string path_ = scratch_ / "access.log";
  std::optional<ServerProcess> server_;
};

TEST_F(AccessLogTest, SaysOfEachRequestWhatItWas) {
  ServerProcess& server = Start();
  HttpClient client(server.address());
  const auto hello =
      client.Ask(Get("/?a%20b", "X-Request-Id: mine-1\r\nUser-Agent: a \"b\"\r\nReferer: /from\r\n"));
  ASSERT_TRUE(hello);
  ASSERT_TRUE(client.Ask(Get("/none")));
  const auto env = client.Ask(Post("/cgi-bin/env", "body"));
  ASSERT_TRUE(env);
  ASSERT_TRUE(client.Send("BAD\r\n\r\n"));
  EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).status, 400);
  const auto lines = AwaitLines(4);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0]["id"], "mine-1");
  EXPECT_EQ(lines[0]["client"], "127.0.0.1");
  EXPECT_EQ(lines[0]["method"], "GET");
  EXPECT_EQ(lines[0]["target"], "/?a%20b");
  EXPECT_EQ(lines[0]["protocol"], "HTTP/1.1");
  EXPECT_EQ(lines[0]["status"], 200);
  EXPECT_EQ(lines[0]["bytes"], hello->body.size());
  EXPECT_EQ(lines[0]["sent"], hello->head.size() + 2 + hello->body.size());
  EXPECT_EQ(lines[0]["agent"], "a \"b\"");
  EXPECT_EQ(lines[0]["referer"], "/from");
  EXPECT_EQ(lines[0]["rescued"], false);
  EXPECT_FALSE(lines[0].contains("script"));
  EXPECT_EQ(lines[1]["status"], 404);
  EXPECT_EQ(lines[2]["script"], "/cgi-bin/env");
  EXPECT_EQ(lines[2]["exit"], 0);
  EXPECT_EQ(lines[2]["bytes"], env->body.size());
  EXPECT_NE(env->body.find(fmt::format("REQUEST_ID={}\n", lines[2]["id"].get<std::string>())),
            std::string::npos);
  EXPECT_EQ(lines[3]["status"], 400);
  EXPECT_EQ(lines[3]["target"], "BAD");
  EXPECT_FALSE(lines[3].contains("method"));
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(AccessLogTest, PipelinedRequestsHaveALineEach) {
  ServerProcess& server = Start({}, "combined");
  HttpClient client(server.address());
  std::string requests;
  for (int i = 0; i < 50; ++i) requests += Get(fmt::format("/?{}", i));
  ASSERT_TRUE(client.Send(requests));
  for (int i = 0; i < 50; ++i)
    ASSERT_EQ(client.Receive().value_or(HttpAnswer{}).body, fmt::format("hello {}\n", i));
  ASSERT_TRUE(Eventually([&] { return std::ranges::count(ReadFile(path_), '\n') == 50; }));
  const std::string text = ReadFile(path_);
  for (int i = 0; i < 50; ++i)
    EXPECT_NE(text.find(fmt::format("\"GET /?{} HTTP/1.1\" 200 {} \"-\" \"-\"\n", i, i < 10 ? 8 : 9)),
              std::string::npos);
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(AccessLogTest, AClientThatLeavesHasALine) {
  ServerProcess& server = Start();
  {
    HttpClient client(server.address());
    ASSERT_TRUE(client.Send(Get("/cgi-bin/hang")));
    ASSERT_TRUE(server.Await([](const auto& status) { return status["leases"]["busy"] == 1; }));
    client.Abort();
  }
  const auto lines = AwaitLines(1);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["status"], 499);
  EXPECT_EQ(lines[0]["cut"], true);
  EXPECT_EQ(lines[0]["script"], "/cgi-bin/hang");
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(AccessLogTest, AnAnswerAndAProgramsWordsHaveTheRequestsId) {
  ServerProcess& server = Start({.flags = {"--request-id-header"}});
  HttpClient client(server.address());
  const auto ask = [&](const std::string& path, const std::string& id) {
    return client.Ask(Get(path, fmt::format("X-Request-Id: {}\r\n", id))).value_or(HttpAnswer{});
  };
  EXPECT_EQ(ask("/", "a-1").Field("X-Request-Id"), "a-1");
  EXPECT_EQ(ask("/none", "a-2").Field("X-Request-Id"), "a-2");
  const auto env = ask("/cgi-bin/env", "a-3");
  EXPECT_EQ(env.Field("X-Request-Id"), "a-3");
  EXPECT_NE(env.body.find("HTTP_X_REQUEST_ID=a-3\n"), std::string::npos);
  HttpClient stranger(server.address());
  ASSERT_TRUE(stranger.Send("no request at all\r\n\r\n"));
  EXPECT_EQ(stranger.Receive().value_or(HttpAnswer{}).Field("X-Request-Id").size(), 32u)
      << "not that of another";
  const auto own = ask("/cgi-bin/env", "not a sane one");
  EXPECT_EQ(own.Field("X-Request-Id").size(), 32u);
  EXPECT_NE(own.body.find("HTTP_X_REQUEST_ID=" + own.Field("X-Request-Id") + "\n"), std::string::npos);
  ask("/cgi-bin/stderr", "a-5");
  EXPECT_TRUE(
      Eventually([&] { return server.Log().find(" a-5 /cgi-bin/stderr: stderr: ") != std::string::npos; }));
  EXPECT_TRUE(server.Stop().clean());
}

// Either side of the write: before it the next worker writes the line, behind it perhaps both do.
TEST_F(AccessLogTest, RefusalsHaveAnIdToo) {
  ServerProcess& server =
      Start({.flags = {"--request-id-header", "--head-timeout", "300ms", "--max-body", "1kb"}});
  std::vector<std::string> ids;
  for (const auto& [request, status] :
       {std::pair(std::string("BAD\r\n\r\n"), 400), std::pair(std::string("GET / HTTP/1.1\r\nHo"), 408),
        std::pair(ChunkedPost("/cgi-bin/env", std::string(5000, 'x'), 1000), 413)}) {
    HttpClient client(server.address());
    ASSERT_TRUE(client.Send(request));
    const auto answer = client.Receive().value_or(HttpAnswer{});
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.Field("X-Request-Id").size(), 32u) << status;
    ids.push_back(answer.Field("X-Request-Id"));
  }
  const auto lines = AwaitLines(3);
  ASSERT_EQ(lines.size(), 3u);
  for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i]["id"], ids[i]);
}

TEST_F(AccessLogTest, ADeathAtTheEndOfAnAnswerLeavesItsLine) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  for (const auto& [point, most] :
       {std::pair("worker.sent=kill@1", 1u), std::pair("worker.consumed=kill@1", 1u),
        std::pair("worker.told_answered=kill@1", 2u), std::pair("worker.committed=kill@1", 1u)}) {
    for (const char* target : {"/?x", "/cgi-bin/record?id=1"}) {
      std::filesystem::remove(path_);
      ServerProcess& server = Start({.workers = 2, .failpoints = point});
      HttpClient client(server.address());
      ASSERT_EQ(client.Ask(Get(target, "X-Request-Id: one\r\n")).value_or(HttpAnswer{}).status, 200);
      ASSERT_TRUE(server.AwaitTotal("exits", 1));
      ASSERT_EQ(client.Ask(Get("/?last")).value_or(HttpAnswer{}).status, 200);
      ASSERT_TRUE(Eventually([&] { return ReadFile(path_).find("?last") != std::string::npos; }));
      std::size_t of_one = 0;
      for (const Json& line : LinesOf(path_)) of_one += line["id"] == "one" ? 1 : 0;
      EXPECT_GE(of_one, 1u) << point << target;
      EXPECT_LE(of_one, most) << point << target;
      EXPECT_TRUE(server.Stop().clean());
    }
  }
}

TEST_F(AccessLogTest, UnderKillsEachAnswerHasItsLine) {
  ServerProcess& server = Start({.workers = 4});
  Injection kills(server, {.every = "20ms"});
  const CrowdResult crowd = AskInCrowd(server.address(), 16, 3 * sys::kSecond, [](const std::string& id) {
    const std::string field = fmt::format("X-Request-Id: {}\r\n", id);
    if (id.ends_with('7')) return Question{Get("/cgi-bin/record?id=" + id, field), id + "\n"};
    return Question{Get("/?" + id, field), fmt::format("hello {}\n", id)};
  });
  kills.End();
  EXPECT_TRUE(crowd.problems.empty()) << FirstOf(crowd.problems);
  ASSERT_TRUE(server.AwaitQuiet());
  std::map<std::string, int> lines;
  std::size_t rescued = 0;
  for (const Json& line : LinesOf(path_)) {
    ++lines[line["id"].get<std::string>()];
    rescued += line["rescued"] == true ? 1 : 0;
    EXPECT_EQ(line["status"], 200) << line;
  }
  for (const std::string& id : crowd.answered) EXPECT_GE(lines[id], 1) << id;
  EXPECT_EQ(lines.size(), crowd.answered.size());
  std::size_t twice = 0;
  for (const auto& [id, count] : lines) twice += count > 1 ? 1 : 0;
  EXPECT_LE(twice, kills.landed());
  EXPECT_GT(rescued, 0u);
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(AccessLogTest, ARequestThatIsPassedToALessBusyWorkerIsNotRescued) {
  ServerProcess& server = Start({.workers = 2});
  for (int crowds = 0; crowds < 5 && server.Total("moved") == 0; ++crowds) {
    const CrowdResult crowd = AskInCrowd(server.address(), 9, sys::kSecond, [](const std::string& id) {
      const int time = 1 + 5 * (id.back() - '0');
      return Question{Get(fmt::format("/cgi-bin/record?ms={}&id={}", time, id)), id + "\n"};
    });
    EXPECT_TRUE(crowd.problems.empty()) << FirstOf(crowd.problems);
    ASSERT_TRUE(server.AwaitQuiet());
  }
  EXPECT_TRUE(server.AwaitTotal("moved", 1)) << "none was passed on";
  for (const Json& line : LinesOf(path_)) EXPECT_EQ(line["rescued"], false) << line;
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(AccessLogTest, USR1OpensBothLogsAgainInEveryProcess) {
  for (const bool supervised : {false, true}) {
    const std::string log = scratch_ / "main.log";
    ServerProcess& server = Start({.workers = 4, .supervised = supervised, .log_file = log});
    EXPECT_NE(ReadFile(log).find("listening on"), std::string::npos);
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(HttpClient(server.address()).Ask(Get("/?before")));
    AwaitLines(8);
    std::filesystem::rename(path_, path_ + ".1");
    std::filesystem::rename(log, log + ".1");
    server.Signal(SIGUSR1);
    ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(path_) && std::filesystem::exists(log); }));
    const auto old = std::filesystem::file_size(path_ + ".1");
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(HttpClient(server.address()).Ask(Get("/?after")));
    EXPECT_EQ(AwaitLines(8).size(), 8u);
    EXPECT_EQ(std::filesystem::file_size(path_ + ".1"), old);
    ASSERT_EQ(sys::Kill(server.Workers().front(), SIGKILL), 0);
    EXPECT_TRUE(Eventually([&] { return ReadFile(log).find("SIGKILL") != std::string::npos; }))
        << ReadFile(log + ".1");
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(HttpClient(server.address()).Ask(Get("/?later")));
    EXPECT_EQ(AwaitLines(16).size(), 16u);
    EXPECT_TRUE(server.Stop().clean());
    for (const std::string& each : {path_, path_ + ".1", log, log + ".1"}) std::filesystem::remove(each);
  }
}

TEST_F(AccessLogTest, LogrotateLosesNoLine) {
  const std::string logrotate = "/usr/sbin/logrotate";
  if (!std::filesystem::exists(logrotate)) GTEST_SKIP() << "no logrotate here";
  ServerProcess& server = Start({.workers = 4, .supervised = true});
  std::ofstream(scratch_ / "rotate.conf")
      << fmt::format("{} {{\n  rotate 20\n  create 0640\n  postrotate\n    kill -USR1 {}\n  endscript\n}}\n",
                     path_, server.pid());
  std::filesystem::permissions(scratch_ / "rotate.conf", std::filesystem::perms(0644));
  std::thread rotations([&] {
    for (int i = 0; i < 5; ++i) {
      const Finished done =
          RunProgram({logrotate, "--force", "--state", scratch_ / "state", scratch_ / "rotate.conf"});
      EXPECT_TRUE(done.ok()) << done.output;
    }
  });
  const CrowdResult crowd = AskInCrowd(server.address(), 8, 2 * sys::kSecond, [](const std::string& id) {
    return Question{Get("/?" + id), fmt::format("hello {}\n", id)};
  });
  rotations.join();
  EXPECT_TRUE(crowd.problems.empty()) << FirstOf(crowd.problems);
  ASSERT_TRUE(server.AwaitQuiet());
  std::size_t lines = LinesOf(path_).size();
  for (int i = 1; i <= 5; ++i) lines += LinesOf(fmt::format("{}.{}", path_, i)).size();
  EXPECT_EQ(lines, crowd.answered.size());
  EXPECT_TRUE(std::filesystem::exists(path_ + ".5"));
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(AccessLogTest, AFileThatCannotBeOpenedAgainIsKeptWithOneLine) {
  ServerProcess& server = Start({.workers = 4, .supervised = true});
  std::filesystem::rename(path_, path_ + ".1");
  std::filesystem::create_directory(path_);
  server.Signal(SIGUSR1);
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(HttpClient(server.address()).Ask(Get("/")));
  EXPECT_TRUE(Eventually([&] { return LinesOf(path_ + ".1").size() == 12; }));
  const std::string log = server.Log();
  const auto said = log.find("Is a directory: the one that is open is written on");
  EXPECT_NE(said, std::string::npos);
  EXPECT_EQ(log.find("Is a directory", said + 1), std::string::npos);
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(AccessLogTest, AsAnotherUserItIsThatUsersFile) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  std::filesystem::permissions(scratch_.path(), std::filesystem::perms::all);
  ServerProcess& server = Start({.flags = {"--user", "nobody"}});
  ASSERT_TRUE(HttpClient(server.address()).Ask(Get("/")));
  AwaitLines(1);
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 65534u);
  std::filesystem::rename(path_, path_ + ".1");
  server.Signal(SIGUSR1);
  ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(path_); }));
  ASSERT_TRUE(HttpClient(server.address()).Ask(Get("/")));
  EXPECT_EQ(AwaitLines(1).size(), 1u);
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(AccessLogTest, AFullDiskCostsLinesAndNoAnswer) {
  ServerProcess server({.flags = {"--access-log", "/dev/full"}});
  HttpClient client(server.address());
  for (int i = 0; i < 20; ++i) ASSERT_EQ(client.Ask(Get("/")).value_or(HttpAnswer{}).status, 200);
  EXPECT_TRUE(Eventually([&] {
    const auto page = admin::HttpGet("http://" + server.admin() + "/metrics", std::chrono::seconds(5));
    return page && page->body.find("\nhydrapool_access_log_dropped_total 20\n") != std::string::npos;
  }));
  EXPECT_NE(
      server.Log().find("access log: 1 lines were dropped by this worker so far: No space left on device"),
      std::string::npos);
  EXPECT_TRUE(server.Stop().clean());
}

TEST_F(AccessLogTest, WhatCannotBeOpenedIsSaidAtTheStart) {
  for (const char* flag : {"--access-log", "--log-file"}) {
    for (const auto& [path, why] :
         {std::pair("/nonexistent/log", "No such file or directory"), std::pair("/", "Is a directory")}) {
      const Finished checked = RunProgram({HYDRAPOOL_BIN_DIR "/hydrapool", "--check", flag, path});
      EXPECT_EQ(checked.output, fmt::format("hydrapool: open {}: {}\n", path, why));
      EXPECT_FALSE(checked.ok());
    }
  }
}

}  // namespace
}  // namespace hydrapool::support
