#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

/// One server for all of them, two workers, a deadline of a second for the program that hangs.
class AnswersTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = new ScratchDir;
    for (const std::string name :
         {"crash", "echo", "flood", "hang", "hello", "noheader", "silent", "slow", "stderr"}) {
      std::filesystem::copy_file(SamplesDir() + "/" + name, *directory_ / name);
    }
    std::ofstream(*directory_ / "plain") << "#!/bin/sh\n";
    WriteProgram(*directory_ / "binary", "no program\n");
    server_ = new ServerProcess(
        {.cgi_dir = directory_->path().string(), .flags = {"--program-rule", "/cgi-bin/hang=timeout:1s"}});
  }
  static void TearDownTestSuite() {
    EXPECT_TRUE(server_->Stop().clean());
    delete server_;
    delete directory_;
  }

  /// To a client of HTTP/1.0 only what says so keeps the connection open (RFC 9112, section 9.3).
  static bool KeepsOpen(const std::string& request, const HttpAnswer& answer) {
    const bool old = request.find(" HTTP/1.0\r\n") != request.npos;
    return old ? answer.Field("Connection") == "keep-alive" : answer.keeps_open();
  }
  /// Asks on a connection of its own and looks whether it ends or stays as the answer says.
  static HttpAnswer Ask(const std::string& request, bool head_request = false) {
    HttpClient client(server_->address());
    const auto answer = client.Ask(request, head_request);
    EXPECT_TRUE(answer) << client.error();
    if (!answer) return {};
    if (KeepsOpen(request, *answer)) {
      const auto next = client.Ask(Get("/?next"));
      EXPECT_TRUE(next && next->body == "hello next\n")
          << "after an answer that keeps open: " << client.error();
    }
    EXPECT_EQ(client.Rest(), "");
    return *answer;
  }
  static int StatusOf(const std::string& request) { return Ask(request).status; }

  static ScratchDir* directory_;
  static ServerProcess* server_;
};

ScratchDir* AnswersTest::directory_ = nullptr;
ServerProcess* AnswersTest::server_ = nullptr;

TEST_F(AnswersTest, ProgramsThatCannotBeRun) {
  EXPECT_EQ(StatusOf(Get("/cgi-bin/missing")), 404);
  EXPECT_EQ(StatusOf(Get("/cgi-bin/plain")), 403);
  EXPECT_EQ(StatusOf(Get("/cgi-bin/binary")), 500);
  EXPECT_EQ(StatusOf(Get("/cgi-bin/../hello")), 403);
  EXPECT_EQ(StatusOf(Get("/cgi-bin/%2e%2e/hello")), 403);
  EXPECT_EQ(StatusOf(Get("/elsewhere")), 404);
}

TEST_F(AnswersTest, ProgramsThatBehaveBadly) {
  EXPECT_EQ(StatusOf(Get("/cgi-bin/noheader")), 502);
  EXPECT_EQ(StatusOf(Get("/cgi-bin/silent")), 502);
  EXPECT_EQ(StatusOf(Get("/cgi-bin/crash")), 502);
  EXPECT_EQ(StatusOf(Get("/cgi-bin/crash?when=head")), 502);
  EXPECT_EQ(StatusOf(Get("/cgi-bin/crash?when=body")), 502);
}

// The write that fills the pipe is no event where a part of the head lay in it already.
TEST_F(AnswersTest, AHeadInTwoPartsBeforeMoreThanAPipeHolds) {
  const HttpAnswer answer = Ask(Get("/cgi-bin/flood?bytes=200000&split=100"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.body == FloodBody(200'000));
}

TEST_F(AnswersTest, AProgramThatHangsIsA504AndItsGroupIsGone) {
  EXPECT_EQ(StatusOf(Get("/cgi-bin/hang")), 504);
  EXPECT_EQ(StatusOf(Post("/cgi-bin/hang", FloodBody(300'000))), 504);
  EXPECT_TRUE(Eventually([] { return server_->Programs().empty(); }));
}

TEST_F(AnswersTest, RequestsThatAreNone) {
  EXPECT_EQ(StatusOf(Get("/", "X-Filler: " + std::string(20'000, 'x') + "\r\n")), 431);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nHost : test\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("\x16\x03\x01\x02 something else\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf(Get("/" + std::string(9'000, 'x'))), 414);
  EXPECT_EQ(StatusOf("GET / HTTP/2.0\r\nHost: test\r\n\r\n"), 505);
  EXPECT_EQ(
      StatusOf("POST /cgi-bin/echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"),
      400);
}

TEST_F(AnswersTest, ARequestAfterAMalformedOneIsNotAnswered) {
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Send(Get("/?1") + "nonsense\r\n\r\n" + Get("/?2")));
  EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).body, "hello 1\n");
  EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).status, 400);
  EXPECT_EQ(client.Rest(), "");
}

TEST_F(AnswersTest, OldClients) {
  for (const std::string fields : {"", "Connection: keep-alive\r\n"}) {
    for (const std::string target :
         {"/?a", "/cgi-bin/hello", "/cgi-bin/flood?bytes=200000", "/cgi-bin/flood?bytes=200000&length=1"}) {
      const std::string request = "GET " + target + " HTTP/1.0\r\n" + fields + "\r\n";
      const HttpAnswer answer = Ask(request);
      EXPECT_EQ(answer.status, 200);
      EXPECT_FALSE(answer.chunked);
      EXPECT_EQ(KeepsOpen(request, answer), !fields.empty() && !answer.to_the_end) << target;
      EXPECT_EQ(answer.to_the_end, target.ends_with("bytes=200000")) << target;
      EXPECT_TRUE(target.find("flood") == target.npos || answer.body == FloodBody(200'000));
    }
  }
}

TEST_F(AnswersTest, Heads) {
  EXPECT_EQ(Ask("HEAD /?a HTTP/1.1\r\nHost: test\r\n\r\n", true).Field("Content-Length"), "8");
  for (const std::string target :
       {"/cgi-bin/hello", "/cgi-bin/flood?bytes=500000", "/cgi-bin/flood?bytes=500000&length=1"}) {
    EXPECT_EQ(Ask("HEAD " + target + " HTTP/1.1\r\nHost: test\r\n\r\n", true).status, 200) << target;
  }
  EXPECT_EQ(Ask("HEAD /cgi-bin/missing HTTP/1.1\r\nHost: test\r\n\r\n", true).status, 404);
  EXPECT_EQ(
      Ask("HEAD /cgi-bin/hello HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nno\r\n", true)
          .status,
      400);
}

TEST_F(AnswersTest, Uploads) {
  const std::string body = FloodBody(200'000);
  for (const std::size_t chunk : {1'000u, 50'000u, 200'000u}) {
    const HttpAnswer answer = Ask(ChunkedPost("/cgi-bin/echo", body, chunk));
    EXPECT_TRUE(answer.body == body) << chunk;
    EXPECT_EQ(answer.Field("Content-Length"), "200000");
  }
  EXPECT_EQ(Ask(Post("/cgi-bin/echo", body, "Expect: 100-continue\r\n")).body.size(), body.size());
}

// An answer that does not say "close" is followed by the next, whatever became of its request's body.
TEST_F(AnswersTest, UploadsToProgramsThatDoNotRead) {
  for (int i = 0; i < 50 && !HasFailure(); ++i)
    EXPECT_EQ(StatusOf(Post("/cgi-bin/hello", FloodBody(200'000))), 200);
}

TEST_F(AnswersTest, PipelinedUploadsAndAnswersKeepTheirOrder) {
  HttpClient client(server_->address());
  const std::string large = FloodBody(100'000);
  ASSERT_TRUE(client.Send(Post("/cgi-bin/echo", "first") + Post("/cgi-bin/echo", large) + Get("/?third") +
                          ChunkedPost("/cgi-bin/echo", "fourth", 2) + Get("/cgi-bin/hello?fifth")));
  for (const std::string& body : {std::string("first"), large, std::string("hello third\n"),
                                  std::string("fourth"), std::string("hello fifth\n")}) {
    const auto answer = client.Receive();
    ASSERT_TRUE(answer) << client.error();
    EXPECT_TRUE(answer->body == body);
  }
  EXPECT_EQ(client.Rest(), "");
}

TEST_F(AnswersTest, AClientThatGoesAwayEndsItsProgram) {
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Send(Get("/cgi-bin/slow?before=60000")));
  ASSERT_TRUE(Eventually([] { return server_->Programs().size() == 1; }));
  client.Abort();
  EXPECT_TRUE(Eventually([] { return server_->Programs().empty(); }));
  EXPECT_EQ(StatusOf(Get("/cgi-bin/hello")), 200);
}

TEST_F(AnswersTest, AHalfClosedClientIsAnswered) {
  for (const std::string target : {"/?a", "/cgi-bin/slow?before=50", "/cgi-bin/flood?bytes=300000"}) {
    HttpClient client(server_->address());
    ASSERT_TRUE(client.Send(Get(target)));
    client.FinishSending();
    EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).status, 200) << client.error();
    EXPECT_EQ(client.Rest(), "");
  }
}

TEST_F(AnswersTest, StderrGoesToTheLogLineByLine) {
  EXPECT_EQ(Ask(Get("/cgi-bin/stderr")).body, "look into the log\n");
  EXPECT_TRUE(Eventually([] {
    const std::string log = server_->Log();
    return log.find("first line on stderr\n") != log.npos &&
           log.find("a last line without an end\n") != log.npos;
  }));
}

// A program that reads to the end before it answers makes its client wait no longer than the upload takes.
TEST(SlowUploadTest, MayTakeLongerThanTheProgramsDeadline) {
  ServerProcess server({.flags = {"--cgi-timeout", "5"}});
  HttpClient client(server.address());
  const std::string body = FloodBody(200'000);
  const std::string request = Post("/cgi-bin/record?id=slow", body);
  const auto start = request.size() - body.size();
  ASSERT_TRUE(client.Send(request.substr(0, start)));
  for (std::size_t at = start; at < request.size(); at += 10'000) {
    ASSERT_TRUE(client.Send(request.substr(at, 10'000)));
    ::poll(nullptr, 0, 300);  // its pace: 6 s in all
  }
  const auto answer = client.Receive();
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->Field("X-Body-Bytes"), "200000");
  EXPECT_EQ(client.Rest(), "");
}

TEST(SlowUploadTest, ThatStopsIsGivenUp) {
  ServerProcess server({.flags = {"--cgi-timeout", "0.3"}});
  HttpClient client(server.address());
  ASSERT_TRUE(client.Send(Post("/cgi-bin/record?id=stopped", FloodBody(200'000)).substr(0, 100'000)));
  const auto answer = client.Receive();
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->status, 504);
  EXPECT_TRUE(Eventually([&] { return server.Programs().empty(); }));
}

TEST(ChunkedUploadTest, WhoseWorkerDiesGoesOnInAnother) {
  ServerProcess server;
  HttpClient client(server.address());
  const std::string whole = ChunkedPost("/cgi-bin/record?id=a", FloodBody(50'000), 10'000);
  ASSERT_TRUE(client.Send(whole.substr(0, 30'000)));
  ASSERT_TRUE(server.Await([](const auto& status) { return status.at("leases").at("busy") == 1; }));
  for (const auto& worker : server.Workers()) server.SignalWorker(worker, SIGKILL);
  ASSERT_TRUE(client.Send(whole.substr(30'000)));
  const auto answer = client.Receive();
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->Field("X-Body-Bytes"), "50000");
  EXPECT_EQ(client.Rest(), "");
  EXPECT_EQ(Executions(server.record())["a"], 1);
  EXPECT_EQ(server.Total("exits"), 2);
  EXPECT_TRUE(server.Stop().clean());
}

}  // namespace
}  // namespace hydrapool::support
