#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "loadgen/testing/program.h"
#include "loadgen/testing/scripted_server.h"
#include "pool/testing/json.h"

/// What a run says where it would be easy to say something untrue.
namespace hydrapool::loadgen {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Ends a run once the server, which answers none, has so many of its requests: however late they were sent.
int StopOnceSent(Program& program, const ScriptedServer& server, int requests) {
  while (server.Received("/stall-before") < requests) std::this_thread::yield();
  program.Signal(SIGINT);
  return program.Wait();
}

TEST(HonestyTest, AServerThatNeverAnswersHoldsNoObjective) {
  const ScriptedServer server;
  Program program({"-q", "-c", "2", "-d", "10m", "--timeout", "1h", "--slo", "errors<1%", "errors<=0",
                   "p99<1h", "--json", "-", server.Url("/stall-before")});
  EXPECT_EQ(StopOnceSent(program, server, 2), 1);
  const auto json = support::ParseJson(program.Out());
  for (const auto& slo : json["slo"]) EXPECT_EQ(slo["met"], false) << slo;
  EXPECT_EQ(json["throughput_rps"], 0);
  EXPECT_THAT(program.Err(),
              HasSubstr("not one of 2 requests was answered: 0 failed, 2 in flight at the end"));
}

TEST(HonestyTest, AServerThatNeverAnswersIsOneVerdict) {
  const ScriptedServer server;
  const ScratchFile junit("junit");
  const ScratchFile json("json");
  Program run({"-q", "-c", "2", "-d", "10m", "--timeout", "1h", "--junit", junit.path(), "--json",
               json.path(), server.Url("/stall-before")});
  EXPECT_EQ(StopOnceSent(run, server, 2), 1);
  EXPECT_THAT(junit.Read(), HasSubstr("failures=\"1\""));
  Program merge({"merge", json.path(), "--junit", junit.path()});
  EXPECT_EQ(merge.Wait(), 1);
  EXPECT_THAT(junit.Read(), HasSubstr("failures=\"1\""));
}

TEST(HonestyTest, ASearchThatIsStoppedBeforeItKnowsSaysSo) {
  const ScriptedServer server;
  const ScratchFile json("json");
  Program program({"search", "-q", "--slo", "errors<1%", "-R", "100", "-d", "10m", "--json", json.path(),
                   server.Url("/ok")});
  while (server.Received("/ok") < 2) std::this_thread::yield();
  program.Signal(SIGINT);
  EXPECT_EQ(program.Wait(), 1);
  EXPECT_THAT(program.Out(), HasSubstr("no rate was found with errors<1%: it was stopped before"));
  EXPECT_THAT(support::ParseJson(json.Read())["conclusion"].get<std::string>(), HasSubstr("stopped"));
}

TEST(HonestyTest, AnAbortConditionSeesWhatIsNotAnswered) {
  const ScriptedServer server;
  Program during({"-q", "-c", "2", "-d", "10m", "--timeout", "1h", "--abort-on", "unanswered>5%",
                  server.Url("/stall-before")});
  EXPECT_EQ(during.Wait(), 4);
  EXPECT_THAT(during.Out(), HasSubstr("ABORTED    unanswered>5% after "));
  const auto before = server.Received("/stall-before");
  Program at_the_end({"-q", "-c", "2", "-d", "10m", "--timeout", "1h", "--abort-on", "errors>5%",
                      server.Url("/stall-before")});
  EXPECT_EQ(StopOnceSent(at_the_end, server, before + 2), 4);
  EXPECT_THAT(at_the_end.Out(), HasSubstr("ABORTED    errors>5% at the end: 100 %"));
}

TEST(HonestyTest, ASearchEndsAtAServerThatNeverAnswers) {
  const ScriptedServer server;
  const ScratchFile json("json");
  Program program({"search", "-q", "--slo", "rps<1000", "-R", "50", "-d", "100ms", "--timeout", "100ms",
                   "--json", json.path(), server.Url("/stall-before")});
  EXPECT_EQ(program.Wait(), 1);
  EXPECT_THAT(program.Err(), HasSubstr("requests was answered"));
  const auto search = support::ParseJson(json.Read());
  EXPECT_THAT(search["conclusion"].get<std::string>(), StartsWith("no rate was found with rps<1000"));
  EXPECT_EQ(search["best_rps"], nullptr) << "an objective that silence meets";
  EXPECT_EQ(search["steps"].size(), 1u);
}

TEST(HonestyTest, TheRateIsThatOfTheTimeInWhichLoadWasSent) {
  const ScriptedServer server;
  Program open({"-q", "-R", "50", "-d", "400ms", "--json", "-", server.Url("/ok")});
  EXPECT_THAT(open.Wait(), AnyOf(0, 3)) << "3: this machine was late, which is no mistake here";
  const auto json = support::ParseJson(open.Out());
  EXPECT_EQ(json["sending_s"], 0.4);
  EXPECT_EQ(json["throughput_rps"].get<double>(), json["requests"]["completed"].get<double>() / 0.4);
  Program closed({"-q", "-c", "2", "-d", "200ms", "--json", "-", server.Url("/ok")});
  EXPECT_THAT(closed.Wait(), AnyOf(0, 1)) << "1: this machine stood still meanwhile";
  const auto loop = support::ParseJson(closed.Out());
  EXPECT_EQ(loop["sending_s"], 0.2);
  EXPECT_EQ(loop["counted"], loop["completed_while_sending"]);
  EXPECT_LE(loop["counted"], loop["requests"]["completed"]);
}

TEST(HonestyTest, AStoppedProcessSaysSoInAClosedLoop) {
  const ScriptedServer server;
  Program program({"-q", "-c", "1", "-d", "10m", "--json", "-", server.Url("/ok")});
  while (server.Received("/ok") < 10) std::this_thread::yield();
  program.Signal(SIGSTOP);
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
  program.Signal(SIGCONT);
  const auto seen = server.Received("/ok");
  while (server.Received("/ok") < seen + 10) std::this_thread::yield();
  program.Signal(SIGINT);
  EXPECT_EQ(program.Wait(), 0);
  const auto json = support::ParseJson(program.Out());
  EXPECT_GE(json["self"]["longest_pause_s"], 0.3);
  EXPECT_THAT(json["reason"].get<std::string>(), HasSubstr("the generator itself did not run for"));
}

/// Runs `loadgen ARGUMENTS` in a shell, its standard error as `redirection` says.
int Shell(const std::string& arguments, const std::string& redirection) {
  return std::system((HYDRAPOOL_BIN_DIR "/loadgen " + arguments + " " + redirection).c_str());
}

TEST(HonestyTest, ProgressThatCannotBeWrittenIsGivenUpAndTheRunIsNot) {
  const ScriptedServer server;
  const ScratchFile json("json");
  const ScratchFile report("report");
  const ScratchFile code("code");
  const auto run = "-n 1 --limit-rate 250k --json " + json.path() + " " + server.Url("/big");  // 1.2 s
  const auto whole = [&] {
    EXPECT_THAT(report.Read(), HasSubstr("requests   "));
    EXPECT_GT(support::ParseJson(json.Read())["requests"]["ok"], 0);
  };
  EXPECT_EQ(Shell(run, "2>/dev/full >" + report.path()), 0);
  whole();
  EXPECT_EQ(Shell(run, "2>&- >" + report.path()), 0);
  whole();
  EXPECT_EQ(std::system(("(" HYDRAPOOL_BIN_DIR "/loadgen " + run + " 2>&1 >" + report.path() + "; echo $? >" +
                         code.path() + ") | true")
                            .c_str()),
            0);
  EXPECT_EQ(code.Read(), "0\n") << "its reader is gone";
  whole();
}

TEST(HonestyTest, AComplaintThatCannotBeWrittenKeepsItsCode) {
  EXPECT_EQ(Shell("--nonsense", "2>/dev/full"), 2 << 8);
  EXPECT_EQ(Shell("compare /none /none", "2>&-"), 2 << 8);
}

}  // namespace
}  // namespace hydrapool::loadgen
