#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <thread>

#include "loadgen/testing/program.h"
#include "loadgen/testing/scripted_server.h"
#include "pool/testing/json.h"

namespace hydrapool::loadgen {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(LoadgenProgramTest, PrintsATextReport) {
  const ScriptedServer server;
  Program program({"-n", "20", server.Url("/ok")});
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_THAT(program.Out(), HasSubstr("20 sent = 20 completed + 0 failed"));
  EXPECT_THAT(program.Out(), HasSubstr("  3                                 20         0"));
}

TEST(LoadgenProgramTest, JsonOnStandardOutputLeavesTheTextToStandardError) {
  const ScriptedServer server;
  Program program({"-n", "20", "--json", "-", server.Url("/ok"), server.Url("/500")});
  EXPECT_EQ(program.Wait(), 0);
  const auto json = support::ParseJson(program.Out());
  EXPECT_EQ(json["requests"]["completed"], 20);
  EXPECT_EQ(json["requests"]["ok"], 10);
  EXPECT_EQ(json["errors"]["bad_status"], 10);
  EXPECT_EQ(json["workers"]["3"]["requests"], 20);
  EXPECT_THAT(program.Err(), HasSubstr("20 sent"));
}

TEST(LoadgenProgramTest, AMissedObjectiveIsCode99) {
  const ScriptedServer server;
  Program met({"-n", "20", "--slo", "errors<=0", "--slo", "p50<1h", server.Url("/ok")});
  EXPECT_EQ(met.Wait(), 0);
  EXPECT_THAT(met.Out(), HasSubstr("✓ errors<=0"));
  Program missed({"-n", "20", "--slo", "errors<0.1%", "--json", "-", server.Url("/500")});
  EXPECT_EQ(missed.Wait(), 99);
  EXPECT_THAT(missed.Err(), HasSubstr("✗ errors<0.1%"));
  EXPECT_EQ(support::ParseJson(missed.Out())["slo"][0]["met"], false);
}

TEST(LoadgenProgramTest, UrlsWithRates) {
  const ScriptedServer server;
  Program program({"-n", "30", "--target", server.Url("/ok") + " rate=200/s", "--target",
                   server.Url("/500") + " rate=100/s", "--json", "-"});
  EXPECT_THAT(program.Wait(), ::testing::AnyOf(0, 3)) << "3: this machine was late, which is no mistake here";
  const auto json = support::ParseJson(program.Out());
  EXPECT_EQ(json["engine"], "raw");
  EXPECT_EQ(json["targets"][0]["ok"], 20);
  EXPECT_EQ(json["targets"][1]["completed"], 10);
}

TEST(LoadgenProgramTest, WrongUsageIsOneLineAndCode2) {
  Program program({"--rate", "much", "http://127.0.0.1/"});
  EXPECT_EQ(program.Wait(), 2);
  EXPECT_EQ(program.Err(), "loadgen: -R 'much' is not a rate (like 500, 500/s or 30/m) (see --help)\n");
  EXPECT_THAT(program.Out(), IsEmpty());
}

TEST(LoadgenProgramTest, AnOutputThatCannotBeWrittenIsSaidBeforeTheRun) {
  const ScriptedServer server;
  for (const auto* flag : {"--json", "--journal", "--csv", "--hdr-log", "--hgrm", "--html"}) {
    Program program({"-n", "5", flag, "/no/such/directory/x", server.Url("/ok")});
    EXPECT_EQ(program.Wait(), 2);
    EXPECT_THAT(program.Err(), HasSubstr("/no/such/directory/x: No such file or directory"));
  }
  EXPECT_EQ(server.Received("/ok"), 0);
}

TEST(LoadgenProgramTest, AHostWithoutAnAddressIsSaidBeforeTheRun) {
  Program program({"-d", "1h", "http://no-such-host.invalid/"});
  EXPECT_EQ(program.Wait(), 1);
  EXPECT_THAT(program.Err(), StartsWith("loadgen: cannot resolve no-such-host.invalid: "));
  EXPECT_THAT(program.Err(), EndsWith("\n"));
  EXPECT_EQ(program.Out(), "");
}

TEST(LoadgenProgramTest, SaysWhenNotOneRequestReachedAServer) {
  std::string url;
  {
    const ScriptedServer gone;
    url = gone.Url("/");
  }
  Program program({"-n", "3", url});
  EXPECT_EQ(program.Wait(), 1);
  EXPECT_THAT(program.Out(), HasSubstr("not one request reached a server"));
  EXPECT_THAT(program.Out(), HasSubstr("Connection refused"));
}

TEST(LoadgenProgramTest, AnInterruptPrintsTheReportSoFar) {
  const ScriptedServer server;
  Program program({"-c", "1", "-d", "10m", "--json", "-", server.Url("/ok")});
  while (server.Received("/ok") < 10) std::this_thread::yield();
  program.Signal(SIGINT);
  EXPECT_EQ(program.Wait(), 0);
  const auto json = support::ParseJson(program.Out());
  EXPECT_EQ(json["stopped"], true);
  EXPECT_GE(json["requests"]["completed"], 10);
  EXPECT_EQ(json["requests"]["failed"], 0);
}

TEST(LoadgenProgramTest, ASecondInterruptLeavesAtOnce) {
  const ScriptedServer server;
  Program program({"-c", "1", "-d", "10m", "--timeout", "10m", server.Url("/stall-before")});
  while (server.Received("/stall-before") < 1) std::this_thread::yield();
  while (!program.Ended()) {
    program.Signal(SIGINT);
    std::this_thread::yield();
  }
  EXPECT_EQ(program.Code(), 130);
}

}  // namespace
}  // namespace hydrapool::loadgen
