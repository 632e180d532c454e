#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "loadgen/report/report.h"
#include "loadgen/report/terminal_text.h"
#include "loadgen/testing/program.h"
#include "loadgen/testing/scripted_server.h"
#include "pool/testing/json.h"

/// `loadgen merge`, `compare` and `search` as a user calls them.
namespace hydrapool::loadgen {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

TEST(CommandHelpTest, FitsA80ColumnTerminal) {
  for (const char* command : {"merge", "compare", "import", "search"}) {
    Program program({command, "--help"});
    EXPECT_EQ(program.Wait(), 0);
    std::istringstream lines(program.Out());
    for (std::string line; std::getline(lines, line);)
      EXPECT_LE(Columns(line), 80u) << command << ": " << line;
  }
}

TEST(MergeCommandTest, ReplicasAddUpToTheWholeRun) {
  const ScriptedServer server;
  const ScratchFile one("one");
  const ScratchFile two("two");
  const ScratchFile hlog("hlog");
  const auto run = [&](const char* replica, const ScratchFile& json) {
    Program program({"-q", "-n", "301", "--replica", replica, "--json", json.path(), server.Url("/ok")});
    EXPECT_EQ(program.Wait(), 0);
  };
  run("1/2", one);
  run("2/2", two);
  Program merge({"merge", one.path(), two.path(), "--json", "-", "--hdr-log", hlog.path()});
  EXPECT_EQ(merge.Wait(), 0);
  const auto json = support::ParseJson(merge.Out());
  EXPECT_EQ(json["requests"]["sent"], 301);
  EXPECT_EQ(json["latency_us"]["response"]["count"], 301);
  EXPECT_EQ(json["workers"]["3"]["requests"], 301);
  Program logs({"merge", hlog.path(), hlog.path()});
  EXPECT_EQ(logs.Wait(), 0);
  EXPECT_THAT(logs.Out(), HasSubstr("(no tag)                       602"));
}

TEST(MergeCommandTest, ReplicasOfDifferentPlansAreRefusedUnlessAsked) {
  const ScriptedServer server;
  const ScratchFile one("one");
  const ScratchFile two("two");
  const auto run = [&](const char* replica, const char* count, const ScratchFile& json) {
    Program program({"-q", "-n", count, "--replica", replica, "--json", json.path(), server.Url("/ok")});
    EXPECT_EQ(program.Wait(), 0);
  };
  run("1/2", "20", one);
  run("2/2", "30", two);
  Program refused({"merge", one.path(), two.path()});
  EXPECT_EQ(refused.Wait(), 2);
  EXPECT_THAT(refused.Err(),
              HasSubstr("loadgen: replicas 1/2 and 2/2 are of different runs: their plans differ"));
  Program asked({"merge", "--any-plan", one.path(), two.path()});
  EXPECT_EQ(asked.Wait(), 0) << asked.Err();
}

TEST(MergeCommandTest, WhatIsNoReportIsNamed) {
  const ScratchFile file("file");
  file.Write("what is this\n");
  Program program({"merge", file.path()});
  EXPECT_EQ(program.Wait(), 2);
  EXPECT_THAT(program.Err(), HasSubstr(file.path() + ": line 1: not a line of an interval log"));
  Program missing({"merge", "/none"});
  EXPECT_EQ(missing.Wait(), 2);
  EXPECT_EQ(missing.Err(), "loadgen: cannot read /none: No such file or directory\n");
}

/// A report of 30 s in which each 5 ms a request took 10 ms or a little more; in the second `stall` a second.
std::string Simulated(int slower_us, int stall = -1) {
  const Plan plan{.targets = {{.url = "http://h/"}},
                  .arrivals = {.rate = 200, .duration = 30 * sys::kSecond}};
  Recorder recorder(plan, 0, plan.arrivals.duration, nullptr);
  for (int i = 0; i < 6000; ++i) {
    const sys::Nanos due = i * 5 * sys::kMillisecond;
    const auto took =
        (i / 200 == stall ? 1'000'000 : 10'000 + slower_us + i * 7919 % 500) * sys::kMicrosecond;
    recorder.Sent({.due = due, .sent = due});
    recorder.Finished({.due = due, .sent = due}, {.outcome = Outcome::kOk, .end = due + took, .status = 200});
  }
  recorder.Finish();
  const RunResult run{.tally = recorder.tally(),
                      .series = recorder.TakeTold().series,
                      .scheduled = 6000,
                      .duration = 30 * sys::kSecond,
                      .sending = 30 * sys::kSecond,
                      .counted = 6000};
  return JsonText(ToJson(MakeReport("raw", plan, run)));
}

TEST(CompareCommandTest, AShortRunSaysNothing) {
  const ScriptedServer server;
  const ScratchFile json("json");
  Program run({"-q", "-c", "1", "-d", "200ms", "--json", json.path(), server.Url("/ok")});
  EXPECT_THAT(run.Wait(), AnyOf(0, 1)) << "1: this machine stood still meanwhile";
  const ScratchFile verdict("verdict");
  Program shorter({"compare", json.path(), json.path(), "--json", verdict.path()});
  EXPECT_EQ(shorter.Wait(), 3);
  EXPECT_THAT(shorter.Err(), HasSubstr("each run needs 4 seconds"));
  const auto said = support::ParseJson(verdict.Read());
  EXPECT_EQ(said["verdict"], "unclear");
  EXPECT_EQ(said["reason"], "each run needs 4 seconds to be compared");
  Program wrong({"compare", json.path(), "/none", "--json", verdict.path()});
  EXPECT_EQ(wrong.Wait(), 2);
  EXPECT_EQ(support::ParseJson(verdict.Read()), said) << "kept: there was nothing to say";
}

TEST(CompareCommandTest, WhatIsNoReportIsNamed) {
  const ScratchFile file("file");
  const auto complaint = [&](const std::string& text) {
    file.Write(text);
    Program program({"compare", file.path(), file.path()});
    EXPECT_EQ(program.Wait(), 2);
    return program.Err();
  };
  EXPECT_EQ(complaint("x"),
            "loadgen: " + file.path() +
                ": not a whole JSON report of loadgen: parse error at line 1, column 1: syntax error "
                "while parsing value - invalid literal; last read: 'x'\n");
  EXPECT_EQ(complaint(R"({"schema": 1, "best_rps": null})"),
            "loadgen: " + file.path() + ": the JSON of loadgen search, and no report of a run\n");
  EXPECT_THAT(complaint(R"({"schema": 2, "differences": []})"), HasSubstr("the JSON of loadgen compare"));
}

TEST(CompareCommandTest, AFileWithoutANameIsNamed) {
  const auto complaint = [](const std::vector<std::string>& args) {
    Program program(args);
    EXPECT_EQ(program.Wait(), 2);
    return program.Err();
  };
  EXPECT_THAT(complaint({"compare", "", "b"}),
              HasSubstr("A is empty (''): it is to be the first run's JSON report"));
  EXPECT_THAT(complaint({"compare", "a", ""}), HasSubstr("B is empty (''): it is to be the other run's"));
  EXPECT_THAT(complaint({"merge", "", "b"}), HasSubstr("one of FILES is empty"));
}

TEST(CompareCommandTest, OfARunThatWasInvalidNothingCanBeSaidInJsonToo) {
  const ScratchFile good("good");
  good.Write(Simulated(0));
  auto report = support::ParseJson(good.Read());
  report["valid"] = false;
  report["reason"] = "it was late";
  const ScratchFile late("late");
  late.Write(report.dump());
  Program program({"compare", good.path(), late.path(), "--json", "-"});
  EXPECT_EQ(program.Wait(), 3);
  const auto said = support::ParseJson(program.Out());
  EXPECT_EQ(said["verdict"], "unclear");
  EXPECT_EQ(said["reason"], late.path() + " is INVALID: it was late");
  EXPECT_TRUE(said["differences"].empty());
}

TEST(CompareCommandTest, EachVerdictHasItsCode) {
  const ScratchFile a("a");
  const ScratchFile b("b");
  a.Write(Simulated(0));
  const auto compare = [&](const std::string& other, const ScratchFile& first, const ScratchFile& second,
                           int code, const char* verdict) {
    b.Write(other);
    Program program({"compare", first.path(), second.path(), "--json", "-"});
    EXPECT_EQ(program.Wait(), code) << program.Err();
    EXPECT_EQ(support::ParseJson(program.Out())["verdict"], verdict);
    return program.Err();
  };
  EXPECT_THAT(compare(Simulated(5), a, b, 0, "same"), HasSubstr("verdict  no difference larger than "));
  EXPECT_THAT(compare(Simulated(2000), a, b, 1, "worse"), HasSubstr("verdict  B is worse in p50, p90, p99"));
  EXPECT_THAT(compare(Simulated(2000), b, a, 0, "better"),
              HasSubstr("verdict  B is better in p50, p90, p99"));
  EXPECT_THAT(compare(Simulated(0, 12), a, b, 3, "unclear"),
              HasSubstr("verdict  nothing can be said: not of "));
}

TEST(MergeCommandTest, OpenAndClosedLoopsAreRefused) {
  const ScriptedServer server;
  const ScratchFile open("open");
  const ScratchFile closed("closed");
  EXPECT_THAT(Program({"-q", "-R", "100", "-d", "50ms", "--json", open.path(), server.Url("/ok")}).Wait(),
              AnyOf(0, 3));
  EXPECT_EQ(Program({"-q", "-c", "1", "-n", "5", "--json", closed.path(), server.Url("/ok")}).Wait(), 0);
  Program merge({"merge", open.path(), closed.path()});
  EXPECT_EQ(merge.Wait(), 2);
  EXPECT_THAT(merge.Err(), HasSubstr("open and closed loops cannot be merged"));
}

TEST(CommandsTest, NoneOverwritesWhatItReads) {
  const ScratchFile report("report");
  report.Write(Simulated(0));
  const ScratchFile curl("curl");
  curl.Write("curl http://h/\n");
  const auto refused = [](const std::vector<std::string>& command) {
    Program program(command);
    EXPECT_EQ(program.Wait(), 2);
    return program.Err();
  };
  EXPECT_EQ(refused({"merge", report.path(), "--json", report.path()}),
            "loadgen: --json would overwrite " + report.path() + ", which is read as one of FILES\n");
  EXPECT_THAT(refused({"compare", report.path(), report.path(), "--json", report.path()}),
              HasSubstr("which is read as A\n"));
  EXPECT_THAT(refused({"import", "curl", curl.path(), "-o", curl.path()}),
              HasSubstr("which is read as FILE\n"));
  EXPECT_EQ(report.Read(), Simulated(0));
  EXPECT_EQ(curl.Read(), "curl http://h/\n");
}

TEST(SearchCommandTest, TriesRatesAndTellsWhenNoneHolds) {
  const ScriptedServer server;
  const ScratchFile html("html");
  Program found({"search", "-q", "--slo", "errors<=0", "--slo", "rps<350", "-R", "200", "-d", "120ms",
                 "--precision", "30", "--json", "-", "--html", html.path(), server.Url("/ok")});
  // 3 where this machine was too busy for the schedule.
  EXPECT_THAT(found.Wait(), AnyOf(0, 3)) << found.Err();
  const auto json = support::ParseJson(found.Out());
  EXPECT_EQ(json["steps"][0]["rate"], 200);
  EXPECT_GE(json["steps"].size(), 2u);
  EXPECT_THAT(found.Err(), HasSubstr("with errors<=0 and rps<350"));
  EXPECT_NE(html.Read().find("\"kind\":\"search\""), std::string::npos);
  Program none({"search", "-q", "--slo", "errors<=0", "-R", "20", "-d", "60ms", server.Url("/500")});
  EXPECT_THAT(none.Wait(), AnyOf(99, 3));
  Program without({"search", server.Url("/ok")});
  EXPECT_EQ(without.Wait(), 2);
  EXPECT_THAT(without.Err(), HasSubstr("search needs an --slo"));
}

}  // namespace
}  // namespace hydrapool::loadgen
