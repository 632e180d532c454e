// The shipped step machine, driven through a death at every call of its seam and between every two of its
// stores, for every kind of step. The parent's DecideRescue and a second machine finish what the first has
// left; what the client and the process get is compared with the only right answer. Machines with a fault
// planted behind the seam show that the comparison bites.
#include "pool/shared/step_machine.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "pool/shared/test_requests.h"

namespace hydrapool::testing {
namespace {

constexpr unsigned kSeeds = 8;

std::string Describe(const Kind& kind, unsigned seed, const std::vector<int>& deaths,
                     const std::string& wrong) {
  std::string text = kind.name + ", seed " + std::to_string(seed) + ", deaths at";
  for (const int death : deaths) text += " " + std::to_string(death);
  return text + ": " + wrong;
}

/// The first thing that goes wrong for any kind when workers die once and twice at every point; "" if
/// nothing.
std::string FirstWrong(Fault fault, int* cases = nullptr) {
  for (const Kind& kind : Kinds()) {
    for (unsigned seed = 0; seed < kSeeds; ++seed) {
      int calls = 0;
      if (const auto wrong = Serve(kind, {}, seed, fault, &calls); !wrong.empty())
        return kind.name + ": " + wrong;
      for (int first = 0; first < calls; ++first) {
        int calls_of_second = 0;
        const auto wrong = Serve(kind, {first}, seed, fault, &calls_of_second);
        if (!wrong.empty()) return Describe(kind, seed, {first}, wrong);
        for (int second = 0; second < calls_of_second; ++second) {
          const auto again = Serve(kind, {first, second}, seed, fault);
          if (!again.empty()) return Describe(kind, seed, {first, second}, again);
          if (cases != nullptr) ++*cases;
        }
      }
    }
  }
  return "";
}

TEST(StepMachineTest, DeathsAtEveryCallAndBetweenEveryTwoStoresChangeNothingForTheClient) {
  int cases = 0;
  EXPECT_EQ(FirstWrong(Fault::kNone, &cases), "");
  EXPECT_GT(cases, 10'000);
}

TEST(StepMachineTest, HoweverManyWorkersDieEachOfManyRequestsIsAnsweredOnce) {
  std::mt19937 random(1);
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::vector<int> deaths(random() % 60);
    for (int& death : deaths) death = static_cast<int>(random() % 70);
    ASSERT_EQ(Serve(Twenty(), deaths, seed, Fault::kNone), "") << "seed " << seed;
  }
}

class StepMachineMutantTest : public ::testing::TestWithParam<Fault> {};

TEST_P(StepMachineMutantTest, IsFound) { EXPECT_NE(FirstWrong(GetParam()), ""); }

INSTANTIATE_TEST_SUITE_P(EachFault, StepMachineMutantTest,
                         ::testing::Values(Fault::kWordBeforeNote, Fault::kNoSentBase, Fault::kNoConsumedBase,
                                           Fault::kConsumeFirst, Fault::kCommitBeforeSend));

}  // namespace
}  // namespace hydrapool::testing
