#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "loadgen/testing/program.h"
#include "loadgen/testing/scripted_server.h"

/// `loadgen --once` and `--dry-run` as a user calls them.
namespace hydrapool::loadgen {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class OnceTest : public ::testing::TestWithParam<const char*> {};

TEST_P(OnceTest, PrintsBothSides) {
  const ScriptedServer server;
  Program program({"--once", "--engine", GetParam(), "-R", "50", "--data", "a=b", "-H",
                   "Authorization: Bearer x1y2", server.Url("/ok")});
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_THAT(program.Out(), StartsWith("> POST /ok HTTP/1.1\n> Host: 127.0.0.1:"));
  EXPECT_THAT(program.Out(), HasSubstr("> Authorization: ***\n"));
  EXPECT_THAT(program.Out(), HasSubstr(">\na=b\n< HTTP/1.1 200 OK\n"));
  EXPECT_THAT(program.Out(), HasSubstr("< X-Worker: 3.7\n"));
  EXPECT_THAT(program.Out(), HasSubstr("\n* ok after "));
  EXPECT_EQ(program.Err(), "");
  EXPECT_EQ(server.Received("/ok"), 1);
}

TEST_P(OnceTest, TheExitCodeIsTheOutcome) {
  const ScriptedServer server;
  Program bad({"--once", "--engine", GetParam(), server.Url("/500")});
  EXPECT_EQ(bad.Wait(), 99);
  EXPECT_THAT(bad.Out(), HasSubstr("< HTTP/1.1 500 "));
  EXPECT_THAT(bad.Out(), HasSubstr("\n* bad_status after "));
  Program cut({"--once", "--engine", GetParam(), server.Url("/truncate-length")});
  EXPECT_EQ(cut.Wait(), 1);
  EXPECT_THAT(cut.Out(), HasSubstr("\n* truncated after "));
  Program unexpected({"--once", "--engine", GetParam(), "--expect-length", "1", server.Url("/ok")});
  EXPECT_EQ(unexpected.Wait(), 99);
}

TEST_P(OnceTest, ABodyThatIsNoTextDoesNoHarm) {
  const ScriptedServer server;
  Program program({"--once", "--engine", GetParam(), "-H", "Accept-Encoding: gzip", server.Url("/gzip")});
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_THAT(program.Out(), HasSubstr("\n00000000  1f 8b "));
}

INSTANTIATE_TEST_SUITE_P(Engines, OnceTest, ::testing::Values("raw", "curl"));

TEST(OnceTest, RedirectsAreShownOneAfterTheOther) {
  const ScriptedServer server;
  Program program({"--once", "-L", server.Url("/move")});
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_THAT(program.Out(), HasSubstr("< HTTP/1.1 302 "));
  EXPECT_THAT(program.Out(), HasSubstr("> GET /ok HTTP/1.1\n"));
}

TEST(OnceTest, NoConnectionIsCode1) {
  std::string url;
  {
    const ScriptedServer gone;
    url = gone.Url("/");
  }
  Program program({"--once", url});
  EXPECT_EQ(program.Wait(), 1);
  EXPECT_THAT(program.Out(), StartsWith("* refused after "));
  EXPECT_THAT(program.Out(), HasSubstr("Connection refused"));
}

TEST(OnceTest, WhatCannotBePrintedIsSaidAndIsCode1) {
  const ScriptedServer server;
  const std::vector<std::vector<std::string>> commands = {
      {"--once", server.Url("/ok")}, {"--dry-run", server.Url("/ok")}, {"--help"}, {"search", "--help"}};
  for (const auto& command : commands) {
    Program program(command, {.out = "/dev/full"});
    EXPECT_EQ(program.Wait(), 1) << command.front();
    EXPECT_EQ(program.Err(), "loadgen: cannot write standard output: No space left on device\n");
  }
}

TEST(DryRunProgramTest, SendsNothing) {
  const ScriptedServer server;
  Program program({"--dry-run=2", "-R", "100", server.Url("/ok?{counter}")});
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_THAT(program.Out(), HasSubstr("0.010000 s    GET " + server.Url("/ok?1")));
  EXPECT_THAT(program.Out(), Not(HasSubstr("/ok?2")));
  EXPECT_EQ(server.Connections(), 0);
}

}  // namespace
}  // namespace hydrapool::loadgen
