#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "loadgen/report.h"
#include "loadgen/run_plan.h"
#include "loadgen/scripted_server.h"

namespace loadgen {
namespace {

using sys::kSecond;

struct Behaviour {
  const char* path;
  Outcome outcome;
};

/// One table of behaviours, both engines.
class EngineOutcomeTest : public ::testing::TestWithParam<std::tuple<const char*, Behaviour>> {};

TEST_P(EngineOutcomeTest, OneRequestOneOutcome) {
  const auto& [engine, behaviour] = GetParam();
  const auto& [path, outcome] = behaviour;
  const bool times_out = outcome == Outcome::kTimeoutFirstByte || outcome == Outcome::kTimeoutBody;
  const unsigned requests = times_out ? 3 : 20;
  for (const bool keep_alive : {true, false}) {
    ScriptedServer server;
    const auto result = RunPlan(engine, {.urls = {server.Url(path)},
                                         .keep_alive = keep_alive,
                                         .connections = 3,
                                         .threads = 2,
                                         .count = requests,
                                         .timeout = times_out ? kSecond : 30 * kSecond});
    EXPECT_EQ(result.tally.sent, requests);
    EXPECT_EQ(result.tally.of(outcome), requests) << ToText(MakeReport(engine, {.urls = {path}}, result));
    EXPECT_EQ(server.Received(path), static_cast<int>(requests)) << "a request was sent twice, or not at all";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Behaviours, EngineOutcomeTest,
    ::testing::Combine(::testing::Values("curl", "raw"),
                       ::testing::Values(Behaviour{"/ok", Outcome::kOk}, Behaviour{"/chunked", Outcome::kOk},
                                         Behaviour{"/close-framed", Outcome::kOk},
                                         Behaviour{"/continue", Outcome::kOk},
                                         Behaviour{"/big", Outcome::kOk},
                                         Behaviour{"/500", Outcome::kBadStatus},
                                         Behaviour{"/reset-before", Outcome::kResetBeforeResponse},
                                         Behaviour{"/close-before", Outcome::kResetBeforeResponse},
                                         Behaviour{"/reset-in-head", Outcome::kResetInResponse},
                                         Behaviour{"/reset-in-body", Outcome::kResetInResponse},
                                         Behaviour{"/truncate-head", Outcome::kTruncated},
                                         Behaviour{"/truncate-length", Outcome::kTruncated},
                                         Behaviour{"/truncate-chunk", Outcome::kTruncated},
                                         Behaviour{"/truncate-last-chunk", Outcome::kTruncated},
                                         Behaviour{"/stall-before", Outcome::kTimeoutFirstByte},
                                         Behaviour{"/stall-body", Outcome::kTimeoutBody},
                                         Behaviour{"/garbage", Outcome::kMalformed})),
    [](const auto& test) {
      std::string name = std::string(std::get<0>(test.param)) + std::get<1>(test.param).path;
      std::ranges::replace(name, '/', '_');
      for (char& c : name) c = c == '-' ? '_' : c;
      return name;
    });

}  // namespace
}  // namespace loadgen
