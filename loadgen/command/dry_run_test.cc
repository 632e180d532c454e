#include "loadgen/command/dry_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "loadgen/command/exit_code.h"
#include "loadgen/command/once_command.h"
#include "loadgen/command/options.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool::loadgen {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string DryRun(std::vector<const char*> args, int most = 10) {
  args.insert(args.begin(), "loadgen");
  const auto command = ParseCommandLine(static_cast<int>(args.size()), args.data(), 2);
  if (const auto* error = std::get_if<sys::Error>(&command)) return error->message;
  return DryRunText(std::get<Options>(command).plan, "raw", most);
}

TEST(DryRunTest, ShowsTheScheduleOfAnOpenLoop) {
  const auto text = DryRun({"-R", "500", "-d", "2s", "-H", "X-Id: {counter}", "http://h/?{counter}"}, 3);
  EXPECT_THAT(text, HasSubstr("nothing was sent; 1000 requests"));
  EXPECT_THAT(text, HasSubstr("0.000000 s    GET http://h/?0\n              X-Id: 0\n"
                              "0.002000 s    GET http://h/?1\n              X-Id: 1\n"
                              "0.004000 s    GET http://h/?2\n"));
  EXPECT_THAT(text, Not(HasSubstr("0.006")));
}

TEST(DryRunTest, ThreadsAndUrlsWithRatesMakeOneOrder) {
  const auto text =
      DryRun({"-t", "2", "--target", "http://h/a rate=100", "--target", "http://h/b rate=50"}, 3);
  EXPECT_THAT(text, HasSubstr("0.000000 s    GET http://h/a\n"));
  EXPECT_THAT(text, HasSubstr("0.000000 s    GET http://h/b\n"));
  EXPECT_THAT(text, HasSubstr("0.010000 s    GET http://h/a\n"));
}

TEST(DryRunTest, WhatIsDueAtOnceKeepsItsOrder) {
  const sys::ScratchDir scratch("loadgen-dry-run");
  std::ofstream log(scratch / "log");
  for (const char* path : {"/0", "/1", "/2", "/3", "/4"})
    log << R"({"ts": 1760097336.5, "request": {"method": "GET", "uri": ")" << path << "\"}}\n";
  log.close();
  const auto text = DryRun({"-t", "2", "--replay", (scratch / "log").c_str(), "http://h"});
  EXPECT_THAT(text, HasSubstr("GET http://h/0\n0.000000 s    GET http://h/1\n0.000000 s    GET http://h/2\n"
                              "0.000000 s    GET http://h/3\n0.000000 s    GET http://h/4\n"));
}

TEST(DryRunTest, AWarmUpIsBeforeZero) {
  EXPECT_THAT(DryRun({"-R", "1", "-d", "2s", "--warmup", "3s", "http://h/"}, 1),
              HasSubstr("2 requests, of which these are the first:\n\n-3.000000 s   GET"));
}

TEST(DryRunTest, AClosedLoopKnowsTheFirstOfEachConnectionOnly) {
  const auto text = DryRun({"-c", "2", "-n", "3", "http://h/{counter}"});
  EXPECT_THAT(text, HasSubstr("nothing was sent; 3 requests"));
  EXPECT_THAT(text, HasSubstr("0.000000 s    GET http://h/0\n0.000000 s    GET http://h/1\n"
                              "then          GET http://h/2\n"));
  EXPECT_THAT(DryRun({"http://h/"}), HasSubstr("as many as answers leave time for requests"));
}

TEST(DryRunTest, ShowsNoCredentialsAndNothingThatHarmsATerminal) {
  const auto text =
      DryRun({"-n", "1", "-H", "Authorization: Bearer x1y2", "--data", "a\x1b[31m", "http://ann:secret@h/"});
  EXPECT_THAT(text, Not(HasSubstr("x1y2")));
  EXPECT_THAT(text, Not(HasSubstr("secret")));
  EXPECT_THAT(text, HasSubstr("body of 6 bytes: a?[31m\n"));
}

TEST(DryRunTest, WhichRequestOfASessionIsNextIsNotKnownBefore) {
  const sys::ScratchDir scratch("loadgen-dry");
  const std::string file = scratch / "sessions.yaml";
  std::ofstream(file) << "arrivals: requests\nsteps: [{request: /a}, {request: /b}]\n";
  const auto text = DryRun({"-R", "10", "-n", "3", "--session-file", file.c_str(), "http://h/"});
  EXPECT_THAT(text, HasSubstr("GET http://h/a\n"
                              "0.100000 s    the next request of a session, or the first of a new one\n"
                              "0.200000 s    the next request"));
}

TEST(DryRunTest, WritesNoReport) {
  EXPECT_THAT(DryRun({"--dry-run", "--json", "x.json", "http://h/"}),
              HasSubstr("--dry-run makes no report, so there is nothing for --json"));
  EXPECT_THAT(DryRun({"--once", "--dry-run", "http://h/"}), HasSubstr("excludes"));
  EXPECT_THAT(DryRun({"--once", "-n", "5", "http://h/"}),
              HasSubstr("--once sends one request, -n 5 asks for more"));
  EXPECT_THAT(DryRun({"--once", "--until", "p99±5%", "http://h/"}), HasSubstr("nothing for --until"));
}

TEST(OnceCodeTest, NothingSentIsNoSuccess) {
  Tally tally;
  EXPECT_EQ(CodeOfOnce(tally), kNothing);
  tally.Sent({}, true);
  EXPECT_EQ(CodeOfOnce(tally), kNothing) << "in flight when it was interrupted";
  tally.Finished({}, {.outcome = Outcome::kOk, .status = 200});
  EXPECT_EQ(CodeOfOnce(tally), kRan);
}

}  // namespace
}  // namespace hydrapool::loadgen
