#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pool/testing/faults.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

struct Load {
  const char* name;
  std::vector<std::string> echo;
};

void PrintTo(const Load& load, std::ostream* out) { *out << load.name; }

class KillLoadTest : public ::testing::TestWithParam<std::tuple<Load, Fault>> {};

TEST_P(KillLoadTest, NothingIsLostOrDoubled) {
  const auto& [load, fault] = GetParam();
  ServerProcess server({.workers = 4, .cgi_dir = ""});
  Injection injection(server, fault);
  std::vector<std::string> arguments{"echo", "--json", "-"};
  arguments.insert(arguments.end(), load.echo.begin(), load.echo.end());
  arguments.push_back(server.address());
  const Finished echo = RunProgram(Harness(arguments), {}, std::chrono::seconds(40));
  injection.End();
  EXPECT_TRUE(echo.ok()) << echo.output;
  EXPECT_GE(injection.landed(), fault.at_least);
  EXPECT_TRUE(server.AwaitTotal("exits", injection.landed() / 2));
  ExpectNothingLost(server);
  EXPECT_TRUE(server.Stop().clean());
}

const Fault kOften{.every = "20ms", .at_least = 20};
const Fault kAll{.target = "all", .every = "100ms", .count = 60, .at_least = 100};

std::string NameOf(const ::testing::TestParamInfo<std::tuple<Load, Fault>>& test) {
  return fmt::format("{}_{}_{}", std::get<0>(test.param).name, std::get<1>(test.param).kind,
                     std::get<1>(test.param).target);
}

INSTANTIATE_TEST_SUITE_P(
    Random, KillLoadTest,
    ::testing::Combine(::testing::Values(Load{"keep_alive", {"--connections", "64", "--duration", "5s"}},
                                         Load{"pipelined", {"--pipeline", "16", "--duration", "5s"}},
                                         Load{"close", {"--close-every", "1", "--duration", "5s"}},
                                         Load{"half_close", {"--half-close", "--duration", "5s"}},
                                         Load{"burst", {"--burst", "1000", "--times", "20"}},
                                         Load{"slow_reader",
                                              {"--slow-reader", "20000", "--pipeline", "16", "--connections",
                                               "16", "--duration", "5s"}}),
                       ::testing::Values(kOften)),
    NameOf);
INSTANTIATE_TEST_SUITE_P(
    All, KillLoadTest,
    ::testing::Combine(::testing::Values(Load{"keep_alive", {"--connections", "64", "--duration", "8s"}},
                                         Load{"pipelined", {"--pipeline", "16", "--duration", "8s"}}),
                       ::testing::Values(kAll)),
    NameOf);
INSTANTIATE_TEST_SUITE_P(
    Term, KillLoadTest,
    ::testing::Combine(::testing::Values(Load{"keep_alive", {"--connections", "64", "--duration", "5s"}},
                                         Load{"close", {"--close-every", "3", "--duration", "5s"}}),
                       ::testing::Values(Fault{.kind = "term", .every = "50ms", .at_least = 20})),
    NameOf);

}  // namespace
}  // namespace hydrapool::support
