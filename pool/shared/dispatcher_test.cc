#include "pool/shared/dispatcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace hydrapool {
namespace {

using Loads = std::vector<WorkerLoad>;

TEST(LeastBusyTest, Table) {
  const struct {
    Loads workers;
    std::optional<std::size_t> expected;
  } cases[] = {
      {{}, std::nullopt},
      {{{false, 0, 0}}, std::nullopt},
      {{{false, 0, 0}, {true, 3, 0}}, 1},
      {{{true, 2, 0}, {true, 1, 9}}, 1},
      {{{true, 1, 5}, {true, 1, 4}, {true, 1, 4}}, 1},
      {{{true, 0, 0}, {true, 0, 0}}, 0},
  };
  for (const auto& [workers, expected] : cases) EXPECT_EQ(LeastBusy(workers), expected);
}

TEST(RoundRobinTest, Table) {
  const Loads all{{true}, {true}, {true}};
  const Loads some{{true}, {false}, {true}};
  EXPECT_EQ(RoundRobin(all, 0), 1u);
  EXPECT_EQ(RoundRobin(all, 2), 0u);
  EXPECT_EQ(RoundRobin(some, 0), 2u);
  EXPECT_EQ(RoundRobin(some, 2), 0u);
  EXPECT_EQ(RoundRobin(Loads{{false}, {true}}, 1), 1u);  // the last one again, if it is the only one
  EXPECT_EQ(RoundRobin(Loads{{false}, {false}}, 0), std::nullopt);
  EXPECT_EQ(RoundRobin({}, 0), std::nullopt);
}

TEST(DispatcherTest, RoundRobinBeginsAtTheFirstAndRemembers) {
  const Loads all{{true}, {true}, {true}};
  Dispatcher dispatcher(Balance::kRoundRobin);
  for (const std::size_t expected : {0u, 1u, 2u, 0u, 1u}) EXPECT_EQ(dispatcher.Choose(all), expected);
  EXPECT_EQ(dispatcher.Choose(Loads{{false}, {false}, {false}}), std::nullopt);
  EXPECT_EQ(dispatcher.Choose(all), 2u);
  EXPECT_EQ(Dispatcher(Balance::kRoundRobin).Choose({}), std::nullopt);
}

TEST(DispatcherTest, LeastBusyLooksAtTheLoadsAndThoseThatAreAsBusyTakeTurns) {
  Dispatcher dispatcher(Balance::kLeastBusy);
  const Loads loads{{true, 1, 1}, {true, 0, 1}};
  EXPECT_EQ(dispatcher.Choose(loads), 1u);
  EXPECT_EQ(dispatcher.Choose(loads), 1u);
  const Loads equal{{true}, {true}, {false}, {true}};
  for (const std::size_t expected : {3u, 0u, 1u, 3u, 0u}) EXPECT_EQ(dispatcher.Choose(equal), expected);
}

TEST(EvenOutTest, Table) {
  const struct {
    Loads workers;
    std::array<std::size_t, 3> expected;  // from, to, count; count 0: not worth it
  } cases[] = {
      {{}, {}},
      {{{true, 0, 9}}, {}},
      {{{true, 0, 9}, {false, 0, 0}}, {}},
      {{{true, 0, 5}, {true, 0, 4}}, {}},
      {{{true, 0, 2}, {true, 0, 0}}, {0, 1, 1}},
      {{{true, 0, 0}, {true, 0, 10}}, {1, 0, 5}},
      {{{true, 0, 100}, {true, 0, 90}}, {}},  // an eighth of the mean is 11
      {{{true, 0, 100}, {true, 0, 70}}, {0, 1, 15}},
      {{{true, 0, 30}, {true, 0, 0}, {true, 0, 30}}, {0, 1, 10}},
      {{{true, 0, 4}, {true, 0, 4}, {true, 0, 0}, {true, 0, 4}}, {0, 2, 1}},
  };
  for (const auto& [workers, expected] : cases) {
    const auto move = EvenOut(workers);
    ASSERT_EQ(move.has_value(), expected[2] != 0);
    if (!move) continue;
    EXPECT_EQ(move->from, expected[0]);
    EXPECT_EQ(move->to, expected[1]);
    EXPECT_EQ(move->count, expected[2]);
  }
}

TEST(EvenOutTest, RepeatedItComesToRestSoonAndEvenLosesNothingAndNeverOvershoots) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    Loads workers(1 + random() % 16);
    for (WorkerLoad& worker : workers) {
      const auto most = std::uint32_t{1} << random() % 12;
      worker = {random() % 8 != 0, 0, static_cast<std::uint32_t>(random()) % most};
    }
    const auto total = [&] {
      return std::accumulate(workers.begin(), workers.end(), 0u,
                             [](auto sum, auto& w) { return sum + w.leases; });
    };
    const auto before = total();
    std::uint32_t moves = 0;
    while (const auto move = EvenOut(workers)) {
      ASSERT_LT(++moves, 200u);
      ASSERT_NE(move->from, move->to);
      ASSERT_TRUE(workers[move->from].ready && workers[move->to].ready);
      ASSERT_GT(move->count, 0u);
      workers[move->from].leases -= move->count;
      workers[move->to].leases += move->count;
      ASSERT_GE(workers[move->from].leases + 1, workers[move->to].leases);  // else it would move back
    }
    EXPECT_EQ(total(), before);
    std::uint32_t least = UINT32_MAX;
    std::uint32_t most = 0;
    for (const WorkerLoad& worker : workers) {
      if (!worker.ready) continue;
      least = std::min(least, worker.leases);
      most = std::max(most, worker.leases);
    }
    if (least != UINT32_MAX) {
      EXPECT_LT(most - least, std::max(2u, most / 8 + 1));
    }
  }
}

TEST(MayBePassedOnTest, OnceByAParentThatComes) {
  constexpr RequestToExecute kRequest{.others = 1};
  EXPECT_TRUE(MayBePassedOn(kRequest));
  auto request = kRequest;
  request.parent_awake_for = 20 * sys::kMillisecond;
  EXPECT_TRUE(MayBePassedOn(request));
  ++request.parent_awake_for;
  EXPECT_FALSE(MayBePassedOn(request)) << "the parent may be stopped";
  request = kRequest;
  request.passed_on = true;
  EXPECT_FALSE(MayBePassedOn(request));
  request = kRequest;
  request.interim_sent = true;
  EXPECT_FALSE(MayBePassedOn(request));
}

TEST(MayBePassedOnTest, OnlyWhereTheLeastBusyIsChosenAndThisOneIsBusy) {
  EXPECT_FALSE(MayBePassedOn({.others = 0}));
  EXPECT_FALSE(MayBePassedOn({.balance = Balance::kRoundRobin, .others = 1}));
}

TEST(BetterElsewhereTest, OneLessIsEnoughOfFewAndAnEighthOfMany) {
  const struct {
    std::uint32_t others, fewest;
    bool expected;
  } cases[] = {
      {0, 0, false}, {0, 3, false},   {1, 0, true},   {1, 1, false},   {2, 1, true},
      {8, 7, true},  {16, 15, false}, {16, 14, true}, {64, 57, false}, {64, 56, true},
  };
  for (const auto& [others, fewest, expected] : cases)
    EXPECT_EQ(BetterElsewhere(others, fewest), expected) << others << " besides, " << fewest << " elsewhere";
}

// 1 ms and 500 ms on connections that are kept, as `scripts/bench balance` has them, in simulated time.
TEST(BetterElsewhereTest, KeptConnectionsWithLongRequestsKeepAllWorkersEquallyBusy) {
  constexpr std::size_t kWorkers = 8;
  constexpr std::size_t kConnections = 64;
  std::mt19937 random(3);
  std::array<std::size_t, kConnections> holder{};
  for (std::size_t i = 0; i < kConnections; ++i) holder[i] = i % kWorkers;
  std::array<double, kWorkers> busy_ms{};
  std::vector<std::pair<double, std::size_t>> running;  // end, worker
  Loads loads(kWorkers, WorkerLoad{.ready = true});
  Dispatcher dispatcher(Balance::kLeastBusy);
  for (int request = 0; request < 8 * 216; ++request) {
    const double now = request * 1000.0 / 216;
    std::erase_if(running, [&](const auto& run) {
      if (run.first <= now) --loads[run.second].executing;
      return run.first <= now;
    });
    std::size_t& worker = holder[random() % kConnections];
    const std::uint32_t fewest = std::ranges::min(loads, {}, &WorkerLoad::executing).executing;
    if (BetterElsewhere(loads[worker].executing, fewest)) worker = dispatcher.Choose(loads).value();
    const double length = request % 9 == 0 ? 500 : 1;
    running.emplace_back(now + length, worker);
    ++loads[worker].executing;
    busy_ms[worker] += length;
  }
  const double sum = std::accumulate(busy_ms.begin(), busy_ms.end(), 0.0);
  const double squares = std::inner_product(busy_ms.begin(), busy_ms.end(), busy_ms.begin(), 0.0);
  EXPECT_GE(sum * sum / squares / kWorkers, 0.98) << "Jain's index";
}

}  // namespace
}  // namespace hydrapool
