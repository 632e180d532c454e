#include <gmock/gmock.h>

#include "harness/testing/run_fixture.h"
#include "pool/testing/server_process.h"

namespace hydrapool::harness {
namespace {

using testing::Contains;
using testing::HasSubstr;

using PlantedBugTest = RunFixture;

TEST_F(PlantedBugTest, KillStormOnAPoolThatDoesNotRescueFailsAndSaysSo) {
  if (!hydrapool::support::kHaveFailpoints) GTEST_SKIP() << "needs a build with failpoints";
  const auto end = Run({"run", HYDRAPOOL_SOURCE_DIR "/harness/scenarios/kill-storm.yaml", "--seed", "1"},
                       {{"HYDRAPOOL_FAILPOINTS", "parent.rescue=skip@1+"}});
  EXPECT_EQ(end.exit_code, 1) << end.screen;
  EXPECT_THAT(end.json["reasons"], Contains(testing::AllOf(HasSubstr("requests lost: "),
                                                           HasSubstr("the pool rescued nothing at "))));
  const auto& requests = end.json["requests"];
  EXPECT_GT(requests["lost"], 10);
  EXPECT_GT(requests["idle_lost"], 10);
  EXPECT_EQ(requests["unexplained"], 0) << end.json["failures"].dump(1);
  std::uint64_t with_phase = 0;
  for (const auto& [phase, count] : end.json["by_phase"].items()) with_phase += count.get<std::uint64_t>();
  EXPECT_EQ(with_phase, end.json["failures"].size()) << "each failure has the phase of its worker's death";
}

}  // namespace
}  // namespace hydrapool::harness
