#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "pool/testing/command.h"
#include "pool/testing/http_client.h"
#include "pool/testing/scratch.h"
#include "pool/testing/server_process.h"

// Passwords for paths: programs and files behind them are answered to their users alone.
namespace hydrapool::support {
namespace {

constexpr const char* kJoe = "Authorization: Basic am9lOnNlY3JldA==\r\n";
constexpr const char* kWrong = "Authorization: Basic am9lOndyb25n\r\n";

TEST(LoginTest, AGuardedPathIsAnsweredToItsUsersAlone) {
  const ScratchDir scratch;
  std::ofstream(scratch / "users") << "joe:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0\n";
  std::ofstream(scratch / "page.html") << "page";
  WriteProgram(scratch / "who",
               "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s|%s|%s\\n' \"$AUTH_TYPE\" "
               "\"$REMOTE_USER\" \"$HTTP_AUTHORIZATION\"\n");
  WriteProgram(scratch / "lead", "#!/bin/sh\nprintf 'Location: /in/who\\n\\n'\n");
  const std::string all = scratch.path().string();
  ServerProcess server({.cgi_dir = "",
                        .flags = {"--mount", "/in/=cgi:" + all, "--mount", "/out/=cgi:" + all, "--mount",
                                  "/files/=files:" + all, "--require", "/in=" + (scratch / "users"),
                                  "--require", "/files=" + (scratch / "users"), "--realm", "the site"}});
  HttpClient client(server.address());
  const auto ask = [&](const std::string& target, const std::string& fields = "") {
    const auto answer = client.Ask(Get(target, fields));
    EXPECT_TRUE(answer) << target << ": " << client.error();
    return answer.value_or(HttpAnswer{});
  };
  EXPECT_EQ(ask("/in/who").status, 401);
  EXPECT_EQ(ask("/in/who").Field("WWW-Authenticate"), "Basic realm=\"the site\", charset=\"UTF-8\"");
  EXPECT_EQ(ask("/in/who", kWrong).status, 401);
  EXPECT_EQ(ask("/in/who", kJoe).body, "Basic|joe|\n");
  EXPECT_EQ(ask("/out/who", kJoe).body, "||\n");
  for (const std::string spelt : {"//in/who", "/./in/who", "/%69n/who", "/x/../in/who", "/in/none", "/in/"})
    EXPECT_EQ(ask(spelt).status, 401) << spelt;
  EXPECT_EQ(ask("/files/page.html").status, 401);
  EXPECT_EQ(ask("/files/page.html", kJoe).body, "page");
  const auto led = ask("/out/lead");
  EXPECT_EQ(led.status, 302) << "a local redirect does not go round a guard";
  EXPECT_EQ(led.Field("Location"), "/in/who");
  EXPECT_EQ(client.Ask("HEAD /in/who HTTP/1.1\r\nHost: h\r\n\r\n", true).value_or(HttpAnswer{}).status, 401);
  HttpClient poster(server.address());
  EXPECT_EQ(poster.Ask(Post("/in/who", "body")).value_or(HttpAnswer{}).status, 401);
  HttpClient chunks(server.address());
  EXPECT_EQ(chunks.Ask(ChunkedPost("/in/who", "body", 2, kJoe)).value_or(HttpAnswer{}).body, "Basic|joe|\n");
  EXPECT_EQ(server.Log().find("secret"), std::string::npos);
  EXPECT_TRUE(server.Stop().clean());
}

TEST(LoginTest, AGuardedIndexIsNotReachedByItsDirectory) {
  const ScratchDir scratch;
  std::ofstream(scratch / "users") << "joe:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0\n";
  for (const std::string directory : {"adm", "run", "open"})
    std::filesystem::create_directories(scratch.path() / "www" / directory);
  std::ofstream(scratch / "www/adm/index.html") << "page";
  std::ofstream(scratch / "www/open/index.html") << "open";
  WriteProgram(scratch / "www/run/index.sh", "");
  WriteProgram(scratch / "interpreter",
               "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s' \"$REMOTE_USER\"\n");
  WriteProgram(scratch / "lead", "#!/bin/sh\nprintf 'Location: /run/\\n\\n'\n");
  const std::string users = scratch / "users";
  ServerProcess server(
      {.cgi_dir = "",
       .flags = {"--mount", "/=files:" + (scratch / "www"), "--mount",
                 "*.sh=with:" + (scratch / "interpreter"), "--mount", "/lead=program:" + (scratch / "lead"),
                 "--index", "index.html,index.sh", "--require", "/adm/index.html=" + users, "--require",
                 "/run/index.sh=" + users}});
  HttpClient client(server.address());
  const auto ask = [&](const std::string& target, const std::string& fields = "") {
    return client.Ask(Get(target, fields)).value_or(HttpAnswer{});
  };
  for (const std::string path : {"/adm/", "/adm/.", "/adm/x/..", "/%61dm/", "/adm/index.html", "/run/"})
    EXPECT_EQ(ask(path).status, 401) << path;
  EXPECT_EQ(ask("/adm/", kWrong).status, 401);
  EXPECT_EQ(ask("/adm/", kJoe).body, "page");
  EXPECT_EQ(ask("/run/", kJoe).body, "joe");
  EXPECT_EQ(ask("/open/").body, "open");
  EXPECT_EQ(ask("/lead").status, 302) << "a local redirect does not go round it";
  EXPECT_TRUE(server.Stop().clean());
}

TEST(LoginTest, ASymlinkLeadsNobodyRoundAGuard) {
  namespace fs = std::filesystem;
  const ScratchDir scratch;
  std::ofstream(scratch / "users") << "joe:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0\n";
  for (const std::string directory : {"www/in/deep", "www/open/dir", "www/shared", "apart", "cgi", "run"})
    fs::create_directories(scratch.path() / directory);
  for (const std::string secret : {"www/in/index.html", "www/in/deep/x", "apart/x", "apart/x.gz"})
    std::ofstream(scratch / secret) << "secret";
  for (const std::string open : {"www/open/page", "www/open/dir/x", "www/shared/page.gz"})
    std::ofstream(scratch / open) << "open";
  WriteProgram(scratch / "run/who",
               "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nsecret%s' \"$REMOTE_USER\"\n");
  WriteProgram(scratch / "cgi/lead-to-file", "#!/bin/sh\nprintf 'Location: /open/file\\n\\n'\n");
  WriteProgram(scratch / "cgi/lead", "#!/bin/sh\nprintf 'Location: /cgi-bin/who\\n\\n'\n");
  for (const auto& [link, target] :
       std::vector<std::pair<std::string, std::string>>{{"www/open/file", "../in/deep/x"},
                                                        {"www/open/in", "../in"},
                                                        {"www/open/in2", "in"},
                                                        {"www/open/apart", scratch / "apart"},
                                                        {"www/open/source", scratch / "run/who"},
                                                        {"www/open/index.html", "../in/index.html"},
                                                        {"www/open/page.gz", "../../apart/x.gz"},
                                                        {"www/open/other", "page"},
                                                        {"www/open/other.gz", "../shared/page.gz"},
                                                        {"www/open/dir2", "dir"},
                                                        {"www/in/out", "../open/page"},
                                                        {"cgi/who", "../run/who"}})
    fs::create_symlink(target, scratch / link);
  const std::string users = scratch / "users";
  std::vector<std::string> flags{"--mount",   "/=files:" + (scratch / "www"),
                                 "--mount",   "/apart/=files:" + (scratch / "apart"),
                                 "--mount",   "/cgi-bin/=cgi:" + (scratch / "cgi"),
                                 "--mount",   "/run/=cgi:" + (scratch / "run"),
                                 "--require", "/in=" + users,
                                 "--require", "/apart=" + users,
                                 "--require", "/run=" + users};
  ServerProcess server({.cgi_dir = "", .flags = flags});
  HttpClient client(server.address());
  const auto ask = [&](const std::string& target, const std::string& fields = "") {
    return client.Ask(Get(target, fields)).value_or(HttpAnswer{});
  };
  for (const std::string path :
       {"/open/file", "/open/in/deep/x", "/open/in2/deep/x", "/open/in/", "/open/./in/index.html",
        "/open/apart/x", "/open/source", "/open/", "/open/index.html", "/cgi-bin/who", "/cgi-bin/who/more"}) {
    EXPECT_EQ(ask(path).status, 401) << path;
    EXPECT_EQ(ask(path, kWrong).status, 401) << path;
    EXPECT_THAT(ask(path, kJoe).body, ::testing::HasSubstr("secret")) << path;
  }
  EXPECT_EQ(ask("/cgi-bin/who", kJoe).body, "secretjoe");
  for (const std::string path : {"/cgi-bin/lead", "/cgi-bin/lead-to-file"})
    EXPECT_EQ(ask(path).status, 302) << "a local redirect does not go round it";
  for (const std::string path : {"/open/page", "/open/other", "/open/dir2/x"})
    EXPECT_EQ(ask(path, "Accept-Encoding: gzip\r\n").body, "open") << path;
  EXPECT_EQ(ask("/in/out").status, 401) << "what leads out of a guarded tree";
  EXPECT_EQ(ask("/in/out", kJoe).body, "open");
  EXPECT_TRUE(server.Stop().clean());
}

TEST(LoginTest, WhatIsWrongWithItsFileIsOneLine) {
  const ScratchDir scratch;
  std::ofstream(scratch / "users") << "joe:plain\n";
  const auto complaint = [&](const std::string& require) {
    const Finished finished = RunProgram({HYDRAPOOL_BIN_DIR "/hydrapool", "--check", "--require", require});
    EXPECT_FALSE(finished.ok());
    return finished.output;
  };
  EXPECT_EQ(
      complaint("/x=" + (scratch / "users")),
      "hydrapool: " + (scratch / "users") + ":1: not USER:HASH with a hash of bcrypt, SHA-512 or apr1\n");
  EXPECT_NE(complaint("/x=/nonexistent").find("/nonexistent: No such file"), std::string::npos);
  EXPECT_NE(complaint("x=/etc/passwd").find("'x=/etc/passwd'"), std::string::npos);
}

}  // namespace
}  // namespace hydrapool::support
