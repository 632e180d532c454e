#include <gtest/gtest.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "pool/testing/http_client.h"
#include "pool/testing/server_process.h"

// A program's life beside its answer's: it runs to its end whatever its client wants to see of it, and what
// it reads is whole or never ends.
namespace hydrapool::support {
namespace {

/// A server of shell scripts, which find a folder for their marks in $MARKS.
class ProgramLifeTest : public ::testing::Test {
 protected:
  void Script(const std::string& name, const std::string& text) {
    WriteProgram(programs_ / name, "#!/bin/sh\n" + text);
  }
  ServerProcess& Server(std::vector<std::string> flags = {}) {
    flags.insert(flags.end(), {"--cgi-env", "MARKS=" + marks_.path().string()});
    server_.emplace(ServerOptions{.cgi_dir = programs_.path().string(), .flags = flags});
    return *server_;
  }
  [[nodiscard]] bool Marked(const std::string& name) const {
    return std::filesystem::exists(marks_.path() / name);
  }
  static std::string Head(const std::string& target, const std::string& fields = "") {
    return "HEAD " + target + " HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n";
  }

  ScratchDir programs_;
  ScratchDir marks_;
  std::optional<ServerProcess> server_;
};

constexpr const char* kMuchThenTheWork =
    "head -c 300000 /dev/zero && echo said >&2 && sleep 0.1 && head -c 300000 /dev/zero && "
    "echo done >$MARKS/$QUERY_STRING\n";

TEST_F(ProgramLifeTest, WhatItsClientDoesNotSeeIsReadAndDropped) {
  Script("page", std::string("printf 'Content-Type: text/plain\\n\\n'\n") + kMuchThenTheWork);
  Script("unchanged", std::string("printf 'Status: 304\\n\\n'\nsleep 0.1\n") + kMuchThenTheWork);
  Script("nothing", std::string("printf 'Status: 204\\n\\n'\nsleep 0.1\n") + kMuchThenTheWork);
  Script("more",
         std::string("printf 'Content-Type: text/plain\\nContent-Length: 4\\n\\n'\n") + kMuchThenTheWork);
  Server();
  int run = 0;
  for (const std::string fields : {"", "Connection: close\r\n"}) {
    for (const std::string name : {"page", "unchanged", "nothing", "more"}) {
      for (const bool head : {true, false}) {
        if (!head && name == "page") continue;
        const std::string mark = std::to_string(++run);
        const std::string target = "/cgi-bin/" + name + "?" + mark;
        HttpClient client(server_->address());
        const auto answer = client.Ask(head ? Head(target, fields) : Get(target, fields), head);
        ASSERT_TRUE(answer) << target << ": " << client.error();
        if (fields.empty()) {
          EXPECT_EQ(client.Ask(Get("/?next")).value_or(HttpAnswer{}).body, "hello next\n");
        }
        EXPECT_EQ(client.Rest(), "") << target;
        EXPECT_TRUE(Eventually([&] { return Marked(mark); })) << target << " was cut off";
      }
    }
  }
  EXPECT_NE(server_->Log().find("said"), std::string::npos);
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(ProgramLifeTest, WhatItSaysOnStderrIsReadWhileItRuns) {
  Script("says",
         "echo lives on >&2\nwhile [ ! -e $MARKS/go ]; do sleep 0.02; done\n"
         "head -c 200000 /dev/zero | tr '\\0' e >&2\nprintf 'Content-Type: text/plain\\n\\nok\\n'\n");
  Server();
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Send(Get("/cgi-bin/says")));
  EXPECT_TRUE(Eventually([&] { return server_->Log().find("lives on") != std::string::npos; }));
  std::ofstream(marks_ / "go");
  EXPECT_EQ(client.Receive().value_or(HttpAnswer{}).body, "ok\n") << "more on stderr than a pipe holds";
}

// It ignores TERM, so that nothing but its input's end could let it go on.
TEST_F(ProgramLifeTest, AnUploadThatItsClientBreaksOffNeverEndsForTheProgram) {
  Script("keep",
         "trap '' TERM\necho >$MARKS/begun.$QUERY_STRING\ncat >$MARKS/$QUERY_STRING\n"
         "mv $MARKS/$QUERY_STRING $MARKS/done.$QUERY_STRING\nprintf 'Status: 200\\n\\n'\n");
  Server();
  const std::string body = FloodBody(100'000);
  for (const std::string way : {"reset", "close", "finish"}) {
    HttpClient client(server_->address());
    const std::string request = Post("/cgi-bin/keep?" + way, body);
    ASSERT_TRUE(client.Send(request.substr(0, request.size() - 50'000)));
    ASSERT_TRUE(Eventually([&] { return Marked("begun." + way); }));
    if (way == "reset") client.Abort();
    if (way == "finish") client.FinishSending();
    if (way == "finish") {
      EXPECT_EQ(client.Rest(false), "");
    }
  }
  EXPECT_TRUE(Eventually([&] { return server_->Programs().empty(); }));
  for (const std::string way : {"reset", "close", "finish"}) EXPECT_FALSE(Marked("done." + way)) << way;
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(ProgramLifeTest, AChildThatHoldsTheOutputHoldsNoAnswer) {
  Script("background", "printf 'Content-Type: text/plain\\n\\nanswered\\n'\nsleep 60 &\n");
  Script("streamed",
         "printf 'Content-Type: text/plain\\n\\nan'\nsleep 0.1\nprintf 'swered\\n'\nsleep 60 &\n");
  Script("filtered", "exec 3>&1\n(sleep 0.05; printf 'Status: 200\\n\\nanswered\\n') &\n");
  Script("promised", "printf 'Content-Length: 9\\n\\nansw'\n(sleep 0.2; printf 'ered\\n') &\n");
  Server({"--cgi-timeout", "30"});
  for (const std::string name : {"background", "streamed", "filtered", "promised"}) {
    for (const std::string version : {"1.1", "1.0"}) {
      HttpClient client(server_->address());
      const auto answer = client.Ask("GET /cgi-bin/" + name + " HTTP/" + version + "\r\nHost: test\r\n\r\n");
      ASSERT_TRUE(answer) << name << ": " << client.error();
      EXPECT_EQ(answer->body, "answered\n");
    }
  }
}

// What counts is whether the answer was whole, not how its program ended after it.
TEST_F(ProgramLifeTest, AWholeAnswerIsDeliveredHoweverItsProgramEnds) {
  const std::string page = "printf 'Content-Type: text/plain\\nContent-Length: 9\\n\\nanswered\\n'\n";
  const std::string open_end = "printf 'Content-Type: text/plain\\n\\nanswered\\n'\n";
  for (const std::string pause : {"", "sleep 0.1\n"}) {
    const std::string when = pause.empty() ? "at_once" : "later";
    Script("code_" + when, open_end + pause + "exit 3\n");
    Script("killed_" + when, page + pause + "kill -9 $$\n");
    Script("closed_" + when, open_end + "exec >&-\n" + pause + "sleep 0.1\nkill -9 $$\n");
  }
  Server();
  for (const std::string way : {"code", "killed", "closed"}) {
    for (const std::string when : {"at_once", "later"}) {
      HttpClient client(server_->address());
      const auto answer = client.Ask(Get("/cgi-bin/" + way + "_" + when));
      ASSERT_TRUE(answer) << way << " " << when << ": " << client.error();
      EXPECT_EQ(answer->status, 200) << way << " " << when;
      EXPECT_EQ(answer->body, "answered\n") << way << " " << when;
      EXPECT_EQ(client.Rest(), "");
    }
  }
}

TEST_F(ProgramLifeTest, AContentLengthIsTheBodysHoweverFastTheProgramWritesMore) {
  const std::string head = "printf 'Content-Type: text/plain\\nContent-Length: 4\\n\\n";
  Script("short", head + "onlythisandmore'\n");
  Script("short_slow", head + "on'; sleep 0.2; printf 'lythisandmore'\n");
  Script("short_pause", head + "only'; sleep 0.2; printf 'thisandmore'\n");
  Server();
  for (const std::string name : {"short", "short_slow", "short_pause"}) {
    HttpClient client(server_->address());
    const auto answer = client.Ask(Get("/cgi-bin/" + name));
    ASSERT_TRUE(answer) << name << ": " << client.error();
    EXPECT_EQ(answer->Field("Content-Length"), "4") << name;
    EXPECT_EQ(answer->body, "only") << name;
    EXPECT_EQ(client.Ask(Get("/?next")).value_or(HttpAnswer{}).body, "hello next\n") << name;
    EXPECT_EQ(client.Rest(), "") << name;
  }
}

TEST_F(ProgramLifeTest, AHeadMayHave64KiBHoweverItIsWritten) {
  const std::string lines =
      "i=0; while [ $i -lt $QUERY_STRING ]; do printf 'Set-Cookie: c%d=%070d\\n' $i 0; i=$((i+1)); done";
  const std::string end = "printf 'Content-Type: text/plain\\n\\nok\\n'\n";
  Script("piecewise", lines + "\n" + end);
  Script("at_once", "out=$(" + lines + "; echo .)\nprintf '%s\\n' \"${out%?.}\"\n" + end);
  Server();
  for (const std::string name : {"piecewise", "at_once"}) {
    for (const std::string count : {"200", "700"}) {
      HttpClient client(server_->address());
      const auto answer = client.Ask(Get("/cgi-bin/" + name + "?" + count));
      ASSERT_TRUE(answer) << name << " " << count << ": " << client.error();
      EXPECT_EQ(answer->status, 200) << name << " " << count;
      EXPECT_EQ(answer->body, "ok\n");
    }
    HttpClient client(server_->address());
    EXPECT_EQ(client.Ask(Get("/cgi-bin/" + name + "?1000")).value_or(HttpAnswer{}).status, 502) << name;
  }
}

TEST_F(ProgramLifeTest, AnOldClientGetsItsAnswerAsItComes) {
  Script("events",
         "printf 'Content-Type: text/plain\\n\\none\\n'\n"
         "while [ ! -e $MARKS/seen ]; do sleep 0.02; done\nprintf 'two\\n'\n");
  Script("endless", "printf 'Content-Type: text/plain\\n\\n'\nhead -c 100000000 /dev/zero\n");
  Server();
  HttpClient client(server_->address());
  ASSERT_TRUE(client.Send("GET /cgi-bin/events HTTP/1.0\r\n\r\n"));
  std::string seen;
  while (seen.find("one\n") == seen.npos) {
    char piece[4096];
    const auto count = ::recv(client.fd(), piece, sizeof piece, 0);
    ASSERT_GT(count, 0);
    seen.append(piece, static_cast<std::size_t>(count));
  }
  std::ofstream(marks_.path() / "seen") << "";
  EXPECT_EQ(client.Rest(false), "two\n");
  HttpClient large(server_->address());
  EXPECT_EQ(large.Ask("GET /cgi-bin/endless HTTP/1.0\r\n\r\n").value_or(HttpAnswer{}).body.size(),
            100'000'000u);
}

TEST_F(ProgramLifeTest, ALocalRedirectIsAnsweredByTheProgramItNames) {
  Script("to", "printf 'Location: /cgi-bin/env/info?a=1\\n\\n'\ncat >/dev/null\n");
  Script("env",
         "printf 'Content-Type: text/plain\\n\\n%s %s %s %s %s\\n' $REQUEST_METHOD $SCRIPT_NAME $PATH_INFO "
         "$QUERY_STRING ${CONTENT_LENGTH:-none}\n");
  Script("loop", "printf 'Location: /cgi-bin/loop\\n\\n'\necho run >>$MARKS/loop\n");
  Script("away", "printf 'Location: //host/x\\n\\n'\n");
  Script("missing", "printf 'Location: /cgi-bin/none\\n\\n'\n");
  Server();
  const std::string expected = "GET /cgi-bin/env /info a=1 none\n";
  HttpClient client(server_->address());
  for (const std::string& request :
       {Get("/cgi-bin/to"), Post("/cgi-bin/to", "body"), Post("/cgi-bin/to", FloodBody(100'000)),
        ChunkedPost("/cgi-bin/to", "chunked body", 5), Get("/cgi-bin/to")}) {
    const auto answer = client.Ask(request);
    ASSERT_TRUE(answer) << client.error();
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, expected);
  }
  EXPECT_EQ(client.Ask(Head("/cgi-bin/to"), true).value_or(HttpAnswer{}).status, 200);
  EXPECT_EQ(client.Ask(Get("/cgi-bin/missing")).value_or(HttpAnswer{}).status, 404);
  const auto away = client.Ask(Get("/cgi-bin/away")).value_or(HttpAnswer{});
  EXPECT_EQ(away.status, 302);
  EXPECT_EQ(away.Field("Location"), "//host/x");
  EXPECT_EQ(client.Ask(Get("/cgi-bin/loop")).value_or(HttpAnswer{}).status, 502);
  EXPECT_EQ(ReadFile((marks_.path() / "loop").string()).size(), 11 * std::string("run\n").size());
  EXPECT_TRUE(Eventually([&] { return server_->Programs().empty(); }));
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(ProgramLifeTest, AnNphProgramsOutputIsTheAnswer) {
  Script("nph-hello",
         "printf 'HTTP/1.1 202 Custom Words\\r\\nContent-Type: text/plain\\r\\nConnection: "
         "close\\r\\n\\r\\nraw '\nsleep 0.1\nprintf 'nph\\n'\n");
  Script("nph-none", "printf 'Content-Type: text/plain\\n\\nno status line\\n'\n");
  Script("nph-silent", "exit 0\n");
  Server();
  for (const std::string& request : {Get("/cgi-bin/nph-hello"), Post("/cgi-bin/nph-hello", "body"),
                                     Post("/cgi-bin/nph-hello", FloodBody(100'000))}) {
    HttpClient client(server_->address());
    const auto answer = client.Ask(request);
    ASSERT_TRUE(answer) << client.error();
    EXPECT_TRUE(answer->head.starts_with("HTTP/1.1 202 Custom Words\r\nContent-Type: text/plain\r\n"))
        << answer->head;
    EXPECT_EQ(answer->body, "raw nph\n");
  }
  for (const std::string name : {"nph-none", "nph-silent"}) {
    HttpClient client(server_->address());
    EXPECT_EQ(client.Ask(Get("/cgi-bin/" + name)).value_or(HttpAnswer{}).status, 502) << name;
  }
  EXPECT_TRUE(server_->Stop().clean());
}

TEST_F(ProgramLifeTest, AChunkedBodyMayBeLargerThanMemoryTakes) {
  Script("count", "printf 'Content-Type: text/plain\\n\\n%s %s\\n' $CONTENT_LENGTH $(wc -c)\n");
  Server({"--max-body", "100mb"});
  HttpClient client(server_->address());
  const std::string body(80'000'000, 'x');
  const auto answer = client.Ask(ChunkedPost("/cgi-bin/count", body, 1'000'000));
  ASSERT_TRUE(answer) << client.error();
  EXPECT_EQ(answer->body, "80000000 80000000\n");
}

}  // namespace
}  // namespace hydrapool::support
