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
    const std::string path = programs_ / name;
    std::ofstream(path) << "#!/bin/sh\n" << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
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

}  // namespace
}  // namespace hydrapool::support
