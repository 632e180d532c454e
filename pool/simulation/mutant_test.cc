// That the simulation bites: each fault of the field, put back, is found within what a run in CI is given.
#include <gtest/gtest.h>

#include <iostream>
#include <string>

#include "pool/simulation/episode.h"

namespace hydrapool::simulation {
namespace {

constexpr std::uint64_t kBudget = 10'000'000;

/// Only the seeds that are even serve programs (episode.h).
std::uint64_t StrideFor(Fault fault) {
  const bool of_programs =
      fault == Fault::kPlainEnd || fault == Fault::kPlainGate || fault == Fault::kPlainPlace;
  return of_programs ? 2 : 1;
}

class MutantTest : public ::testing::TestWithParam<int> {};

TEST_P(MutantTest, IsFound) {
  const auto fault = static_cast<Fault>(GetParam());
  std::uint64_t steps = 0;
  Outcome outcome;
  std::uint64_t seed = 0;
  while (outcome.failure.empty() && steps < kBudget) {
    outcome = RunEpisode({.seed = seed += StrideFor(fault), .fault = fault, .events = 1});
    steps += outcome.steps;
  }
  ASSERT_FALSE(outcome.failure.empty()) << "not found in " << steps << " steps";
  std::cout << "found after " << steps << " steps: " << outcome.failure;
}

INSTANTIATE_TEST_SUITE_P(Every, MutantTest, ::testing::Range(1, static_cast<int>(kLastFault) + 1),
                         [](const auto& of) { return std::string(FaultName(static_cast<Fault>(of.param))); });

}  // namespace
}  // namespace hydrapool::simulation
