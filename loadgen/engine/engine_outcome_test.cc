#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>

#include "loadgen/report/report.h"
#include "loadgen/testing/run_plan.h"
#include "loadgen/testing/scripted_server.h"

namespace hydrapool::loadgen {
namespace {

using sys::kSecond;

struct Behaviour {
  const char* path;
  Outcome outcome;
  const char* method = "GET";
};

/// One table of behaviours, both engines.
class EngineOutcomeTest : public ::testing::TestWithParam<std::tuple<const char*, Behaviour>> {};

TEST_P(EngineOutcomeTest, OneRequestOneOutcome) {
  const auto& [engine, behaviour] = GetParam();
  const auto& [path, outcome, method] = behaviour;
  const bool times_out = outcome == Outcome::kTimeoutFirstByte || outcome == Outcome::kTimeoutBody;
  const unsigned requests = times_out ? 3 : 20;
  for (const bool keep_alive : {true, false}) {
    ScriptedServer server;
    const auto result =
        RunPlan(engine, {.targets = {{.url = server.Url(path), .method = method}},
                         .arrivals = {.count = requests},
                         .wire = {.keep_alive = keep_alive, .timeout = times_out ? kSecond : 30 * kSecond},
                         .connections = 3,
                         .threads = 2});
    EXPECT_EQ(result.tally.sent, requests);
    EXPECT_EQ(result.tally.outcomes.of(outcome), requests)
        << ToText(MakeReport(engine, {.targets = {{.url = path}}}, result));
    EXPECT_EQ(server.Received(path), static_cast<int>(requests)) << "a request was sent twice, or not at all";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Behaviours, EngineOutcomeTest,
    ::testing::Combine(
        ::testing::Values("curl", "raw"),
        ::testing::Values(
            Behaviour{"/ok", Outcome::kOk}, Behaviour{"/chunked", Outcome::kOk},
            Behaviour{"/close-framed", Outcome::kOk}, Behaviour{"/continue", Outcome::kOk},
            Behaviour{"/big", Outcome::kOk}, Behaviour{"/early-hints", Outcome::kOk},
            Behaviour{"/slow", Outcome::kOk}, Behaviour{"/excess", Outcome::kOk},
            Behaviour{"/move", Outcome::kOk}, Behaviour{"/no-such-page", Outcome::kBadStatus},
            Behaviour{"/500", Outcome::kBadStatus}, Behaviour{"/reset-before", Outcome::kResetBeforeResponse},
            Behaviour{"/close-before", Outcome::kResetBeforeResponse},
            Behaviour{"/reset-in-head", Outcome::kResetInResponse},
            Behaviour{"/reset-in-body", Outcome::kResetInResponse},
            Behaviour{"/truncate-head", Outcome::kTruncated},
            Behaviour{"/truncate-length", Outcome::kTruncated},
            Behaviour{"/truncate-chunk", Outcome::kTruncated},
            Behaviour{"/truncate-last-chunk", Outcome::kTruncated},
            Behaviour{"/stall-before", Outcome::kTimeoutFirstByte},
            Behaviour{"/stall-head", Outcome::kTimeoutBody}, Behaviour{"/stall-body", Outcome::kTimeoutBody},
            Behaviour{"/bad-chunk", Outcome::kMalformed}, Behaviour{"/garbage", Outcome::kMalformed},
            // A head that is none, or can be read in two ways.
            Behaviour{"/101", Outcome::kMalformed}, Behaviour{"/no-status", Outcome::kMalformed},
            Behaviour{"/no-space", Outcome::kMalformed}, Behaviour{"/version-2", Outcome::kMalformed},
            Behaviour{"/old", Outcome::kMalformed}, Behaviour{"/two-lengths", Outcome::kMalformed},
            Behaviour{"/same-lengths", Outcome::kOk}, Behaviour{"/length-list", Outcome::kMalformed},
            Behaviour{"/length-letters", Outcome::kMalformed},
            Behaviour{"/length-overflow", Outcome::kMalformed},
            Behaviour{"/length-then-chunks", Outcome::kMalformed},
            Behaviour{"/chunks-then-length", Outcome::kMalformed},
            Behaviour{"/gzip-coding", Outcome::kMalformed}, Behaviour{"/long-head", Outcome::kOk},
            Behaviour{"/too-long-head", Outcome::kMalformed},
            Behaviour{"/too-long-line", Outcome::kMalformed}, Behaviour{"/endless-head", Outcome::kMalformed},
            Behaviour{"/folded", Outcome::kMalformed}, Behaviour{"/space-before-colon", Outcome::kMalformed},
            Behaviour{"/bare-cr", Outcome::kMalformed}, Behaviour{"/bare-lf", Outcome::kOk},
            Behaviour{"/nul", Outcome::kMalformed},
            // Bodies.
            Behaviour{"/chunk-overflow", Outcome::kMalformed},
            Behaviour{"/chunk-too-long", Outcome::kMalformed}, Behaviour{"/trailer", Outcome::kOk},
            Behaviour{"/bad-trailer", Outcome::kMalformed}, Behaviour{"/204-body", Outcome::kOk},
            Behaviour{"/304-body", Outcome::kOk}, Behaviour{"/length-of-head", Outcome::kOk, "HEAD"},
            Behaviour{"/length-of-head", Outcome::kTimeoutBody}, Behaviour{"/twice", Outcome::kOk},
            // Ends.
            Behaviour{"/continue-close", Outcome::kTruncated},
            Behaviour{"/continue-reset", Outcome::kResetInResponse},
            Behaviour{"/truncate-first-line", Outcome::kResetBeforeResponse})),
    [](const auto& test) {
      const auto& behaviour = std::get<1>(test.param);
      std::string name = std::string(std::get<0>(test.param)) + behaviour.path;
      if (behaviour.method != std::string_view("GET")) name += std::string("_") + behaviour.method;
      std::ranges::replace(name, '/', '_');
      for (char& c : name) c = c == '-' ? '_' : c;
      return name;
    });

class EngineMishapsTest : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Both, EngineMishapsTest, ::testing::Values("curl", "raw"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(EngineMishapsTest, RareFailuresAreCountedToTheLastOne) {
  const ScriptedServer server;
  const auto result = RunPlan(GetParam(), {.targets = {{.url = server.Url("/mishaps")}},
                                           .arrivals = {.count = 21'000},
                                           .wire = {.timeout = 5 * kSecond},
                                           .connections = 8,
                                           .threads = 2});
  EXPECT_EQ(server.Received("/mishaps"), 21'000);
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kTruncated), 3u) << "7000, 14000, 21000";
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kTimeoutBody), 4u) << "5000, 10000, 15000, 20000";
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kResetInResponse), 14u) << "the other thousands";
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), 20'979u);
  EXPECT_EQ(result.tally.in_flight_at_end, 0u);
}

}  // namespace
}  // namespace hydrapool::loadgen
