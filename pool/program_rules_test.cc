// What may differ from program to program: limits, environment, how long it may let its client wait.
#include <gtest/gtest.h>

#include <string>

#include "pool/testing/http_client.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

TEST(ProgramRulesServerTest, ProgramsHaveTheirOwnLimitsEnvironmentAndTime) {
  const ScratchDir programs;
  for (const char* name : {"all", "own"})
    WriteProgram(programs / name,
                 "#!/bin/sh\nprintf 'Content-Type: a/b\\n\\n%s %s %s %s' $(ulimit -t) $(ulimit -n) $(ulimit "
                 "-v) \"$WHO\"\n");
  WriteProgram(programs / "late", "#!/bin/sh\nexec sleep 60\n");
  WriteProgram(programs / "large",
               "#!/bin/sh\nhead -c 1000000 /dev/zero >$HYDRAPOOL_RECORD_FILE\nprintf 'Content-Type: "
               "a/b\\n\\n%s' $?\n");
  ServerProcess server(
      {.cgi_dir = programs.path(),
       .flags = {"--cgi-limit", "cpu=20s", "--cgi-limit", "nofile=100", "--cgi-env", "WHO=all",
                 "--program-rule", "/cgi-bin/own=limit:cpu=7s", "--program-rule",
                 "/cgi-bin/own=limit:as=512M", "--program-rule", "/cgi-bin/own=env:WHO=own", "--program-rule",
                 "/cgi-bin/late=timeout:300ms", "--program-rule", "/cgi-bin/large=limit:fsize=1K"}});
  HttpClient client(server.address());
  const auto ask = [&](const char* path) { return client.Ask(Get(path)).value_or(HttpAnswer{}); };
  EXPECT_EQ(ask("/cgi-bin/all").body, "20 100 unlimited all");
  EXPECT_EQ(ask("/cgi-bin/own").body, "7 100 524288 own");
  EXPECT_EQ(ask("/cgi-bin/late").status, 504);
  HttpClient other(server.address());
  EXPECT_NE(other.Ask(Get("/cgi-bin/large")).value_or(HttpAnswer{}).body, "0");
  EXPECT_EQ(ReadFile(server.record()).size(), 1024u);
  EXPECT_TRUE(server.Stop().clean());
}

TEST(ProgramRulesServerTest, WhatIsWrongIsOneLine) {
  const auto complaint = [](const char* flag, const char* value) {
    const Finished finished = RunProgram({HYDRAPOOL_BIN_DIR "/hydrapool", "--check", flag, value});
    EXPECT_FALSE(finished.ok());
    return finished.output;
  };
  EXPECT_NE(complaint("--cgi-limit", "stack=1M").find("'stack=1M' is no limit"), std::string::npos);
  EXPECT_NE(complaint("--program-rule", "/x=colour:red").find("'/x=colour:red' is not /PATH=KEY:VALUE"),
            std::string::npos);
}

}  // namespace
}  // namespace hydrapool::support
