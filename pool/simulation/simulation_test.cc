#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "pool/simulation/episode.h"

namespace hydrapool::simulation {
namespace {

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

TEST(SimulationTest, ASeedIsAStory) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Outcome first = RunEpisode({.seed = seed});
    const Outcome second = RunEpisode({.seed = seed});
    EXPECT_EQ(first.hash, second.hash);
    EXPECT_EQ(first.steps, second.steps);
    EXPECT_NE(first.hash, RunEpisode({.seed = seed + 100}).hash);
  }
}

TEST(SimulationTest, EveryClientGetsTheOnlyRightBytesWhateverHappens) {
  const std::uint64_t budget = FromEnvironment("HYDRAPOOL_SIMULATION_STEPS", 10'000'000);
  std::uint64_t seed = FromEnvironment("HYDRAPOOL_SIMULATION_SEED", 1);
  const std::uint64_t events = FromEnvironment("HYDRAPOOL_SIMULATION_EVENTS", 100);
  const bool log = std::getenv("HYDRAPOOL_SIMULATION_LOG") != nullptr;
  std::uint64_t steps = 0;
  std::uint64_t deaths = 0;
  std::uint64_t parent_deaths = 0;
  std::uint64_t requests = 0;
  for (; steps < budget; ++seed) {
    const Outcome outcome = RunEpisode({.seed = seed, .log = log, .events = events});
    ASSERT_TRUE(outcome.failure.empty())
        << outcome.failure << "again: HYDRAPOOL_SIMULATION_STEPS=1 HYDRAPOOL_SIMULATION_SEED=" << seed
        << " bin/simulation_test";
    if (std::getenv("HYDRAPOOL_SIMULATION_VERBOSE") != nullptr)
      std::cout << "seed " << seed << ": " << outcome.steps << " steps, " << outcome.requests << " answers, "
                << outcome.deaths << " deaths\n";
    steps += outcome.steps;
    deaths += outcome.deaths;
    parent_deaths += outcome.parent_deaths;
    requests += outcome.requests;
  }
  std::cout << steps << " steps, " << requests << " answers, " << deaths << " deaths, " << parent_deaths
            << " of parents, next seed " << seed << '\n';
}

}  // namespace
}  // namespace hydrapool::simulation
