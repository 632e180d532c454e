#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <random>
#include <utility>

#include "loadgen/report/comparison.h"

/// How often `compare` is wrong: by simulation, with fixed seeds. Two minutes of 100 answers a second.
namespace hydrapool::loadgen {
namespace {

constexpr int kSeconds = 120;
constexpr int kEachSecond = 100;

/// The same numbers with each standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : random_(seed) {}
  double Uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  double Normal() {
    return std::sqrt(-2 * std::log(1 - Uniform())) * std::cos(2 * std::numbers::pi * Uniform());
  }

 private:
  std::mt19937_64 random_;
};

struct Server {
  double median_us = 10'000;
  double spread = 0.3;       ///< of the logarithm, from answer to answer
  double drift = 0.02;       ///< likewise, from second to second
  double memory = 0.7;       ///< how much of a second's drift the next one keeps
  double stalls = 0;         ///< a second: all its answers take up to 1 s
  double rate_noise = 0.01;  ///< of the rate, which is otherwise what it is divided by slowness
};

RunSample Simulate(const Server& server, std::uint64_t seed) {
  Random random(seed);
  RunSample run;
  double drift = 0;
  for (int i = 0; i < kSeconds; ++i) {
    drift =
        server.memory * drift + std::sqrt(1 - server.memory * server.memory) * server.drift * random.Normal();
    const bool stall = random.Uniform() < server.stalls;
    const double rate = 1e6 / server.median_us * std::exp(server.rate_noise * random.Normal() - drift);
    SampleSecond second{.completed = rate, .ended = rate};
    for (int k = 0; k < kEachSecond; ++k) {
      const double took = server.median_us * std::exp(drift + server.spread * random.Normal()) +
                          (stall ? 1e6 * random.Uniform() : 0);
      second.Add(static_cast<std::int64_t>(took));
      run.max = std::max(run.max, took);
    }
    run.seconds.push_back(std::move(second));
  }
  run.own = FiguresOf(run.seconds);
  run.answers = kSeconds * kEachSecond;
  return run;
}

constexpr std::array<Server, 4> kServers = {
    {{}, {.drift = 0.04, .memory = 0.5}, {.stalls = 0.02}, {.median_us = 300, .spread = 0.8, .memory = 0}}};

TEST(ComparePowerTest, RunsOfTheSameAreSeldomCalledDifferent) {
  int different = 0;
  int same = 0;
  constexpr int kPairs = 160;
  for (int i = 0; i < kPairs; ++i) {
    const auto& server = kServers[static_cast<std::size_t>(i) % kServers.size()];
    const auto seed = static_cast<std::uint64_t>(1000 + 2 * i);
    const auto verdict = VerdictOf(CompareRuns(Simulate(server, seed), Simulate(server, seed + 1), {}));
    different += verdict == CompareVerdict::kBetter || verdict == CompareVerdict::kWorse ? 1 : 0;
    same += verdict == CompareVerdict::kSame ? 1 : 0;
  }
  RecordProperty("different", different);
  RecordProperty("same", same);
  EXPECT_LE(different, kPairs * 5 / 100);
  EXPECT_GE(same, kPairs / 2) << "nor is it right to say nothing";
}

TEST(ComparePowerTest, FivePercentAreFoundInTwoMinutes) {
  int found = 0;
  constexpr int kPairs = 60;
  for (int i = 0; i < kPairs; ++i) {
    const Server before{};
    const Server after{.median_us = 1.05 * before.median_us};
    const auto seed = static_cast<std::uint64_t>(5000 + 2 * i);
    const auto a = Simulate(before, seed);
    const auto b = Simulate(after, seed + 1);
    const auto verdict = i % 2 == 0 ? VerdictOf(CompareRuns(a, b, {})) : VerdictOf(CompareRuns(b, a, {}));
    found += verdict == (i % 2 == 0 ? CompareVerdict::kWorse : CompareVerdict::kBetter) ? 1 : 0;
  }
  RecordProperty("found", found);
  EXPECT_GE(found, kPairs * 9 / 10);
}

}  // namespace
}  // namespace hydrapool::loadgen
