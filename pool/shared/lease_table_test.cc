#include "pool/shared/lease_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace hydrapool {
namespace {

TEST(LeaseWordTest, PacksAndUnpacksWhole) {
  for (const std::uint32_t steps : {0u, 1u, 0x80000000u, 0xffffffffu}) {
    for (const std::uint32_t generation : {0u, 1u, LeaseWord::kGenerationMask}) {
      for (const Phase phase : {Phase::kFree, Phase::kExecutingOnce, Phase::kClosed}) {
        const LeaseWord word = LeaseWord::Unpack(LeaseWord{steps, generation, phase}.Pack());
        EXPECT_EQ(word.steps, steps);
        EXPECT_EQ(word.generation, generation);
        EXPECT_EQ(word.phase, phase);
      }
    }
  }
}

TEST(LeaseWordTest, AGenerationPastItsBitsBeginsAgainAndTouchesNothingElse) {
  const LeaseWord word = LeaseWord::Unpack(LeaseWord{7, LeaseWord::kGenerationMask + 1, Phase::kIdle}.Pack());
  EXPECT_EQ(word.generation, 0u);
  EXPECT_EQ(word.steps, 7u);
}

TEST(LeaseTest, OnlyTheRightGenerationAndPhaseSwaps) {
  Lease lease;
  lease.Store({3, 5, Phase::kIdle});
  EXPECT_FALSE(lease.Swap({3, 4, Phase::kIdle}, {3, 4, Phase::kReading}));
  EXPECT_TRUE(lease.Swap({3, 5, Phase::kIdle}, {3, 5, Phase::kReading}));
  EXPECT_FALSE(lease.Swap({3, 5, Phase::kIdle}, {3, 5, Phase::kReading}));
  EXPECT_EQ(lease.Load().phase, Phase::kReading);
}

TEST(LeaseTest, AStepBeginsWhereTheOneBeforeEnded) {
  Lease lease;
  EXPECT_EQ(lease.NextBase(0).sent_base, 0u);
  lease.step[0] = {0, 0, 100, 10};
  EXPECT_EQ(lease.NextBase(1).sent_base, 100u);
  EXPECT_EQ(lease.NextBase(1).consumed_base, 10u);
  lease.step[1] = {100, 10, 7, 3};
  EXPECT_EQ(lease.NextBase(2).sent_base, 107u);
  EXPECT_EQ(lease.NextBase(2).consumed_base, 13u);
  EXPECT_EQ(lease.NextBase(2).send, 0u);
}

TEST(LeaseTest, ABaseMayPass4GiB) {
  Lease lease;
  std::uint32_t steps = 0;
  for (; steps < 5; ++steps) {
    LeaseStep step = lease.NextBase(steps);
    step.send = 0xffffffffu;
    lease.step[steps & 1] = step;
  }
  EXPECT_EQ(lease.NextBase(steps).sent_base, 5 * std::uint64_t{0xffffffff});
}

TEST(ProcessWordTest, PacksAndUnpacksNegativeValuesToo) {
  for (const std::int32_t value : {0, 1, 4'194'304, -1, INT32_MAX, INT32_MIN}) {
    const ProcessWord word = ProcessWord::Unpack(ProcessWord{ProcessWord::State::kEnded, value}.Pack());
    EXPECT_EQ(word.value, value);
    EXPECT_EQ(word.state, ProcessWord::State::kEnded);
  }
}

// 2^32 steps on one connection.
TEST(LeaseTest, TheCountOfStepsMayWrap) {
  Lease lease;
  const std::uint32_t first = UINT32_MAX - 4;
  std::uint32_t steps = first;
  for (std::uint64_t done = 0; done < 10; ++done, ++steps) {
    const LeaseStep base = lease.NextBase(steps);
    EXPECT_EQ(base.sent_base, 7 * done) << steps;
    EXPECT_EQ(base.consumed_base, 3 * done) << steps;
    LeaseStep step = base;
    step.send = 7;
    step.consume = 3;
    lease.step[steps & 1] = step;
  }
  EXPECT_EQ(steps, 5u);
  lease.Store({UINT32_MAX, LeaseWord::kGenerationMask, Phase::kIdle});
  LeaseWord next = lease.Load();
  ++next.steps;
  ++next.generation;
  EXPECT_TRUE(lease.Swap(lease.Load(), next));
  EXPECT_EQ(lease.Load(), (LeaseWord{0, 0, Phase::kIdle}));
}

TEST(PhaseTest, EveryPhaseHasOneOfTheFourNames) {
  EXPECT_EQ(PhaseName(Phase::kIdle), "idle");
  EXPECT_EQ(PhaseName(Phase::kReading), "reading");
  EXPECT_EQ(PhaseName(Phase::kExecuting), "executing");
  EXPECT_EQ(PhaseName(Phase::kExecutingOnce), "executing");
  EXPECT_EQ(PhaseName(Phase::kFeeding), "executing");
  EXPECT_EQ(PhaseName(Phase::kResponding), "responding");
  EXPECT_EQ(PhaseName(Phase::kClosing), "idle");
}

TEST(LeaseTableTest, SlabsDoNotOverlapAndAreTrimmedToAPageOrToNothing) {
  const LeaseTable table(3);
  for (std::size_t i = 0; i < 3; ++i) std::ranges::fill(table.slab(i), static_cast<char>('a' + i));
  table.detail(1).slab_written = table.detail(1).slab_grown = true;
  table.TrimSlab(1, kSlabPage);
  EXPECT_FALSE(table.detail(1).slab_grown);
  EXPECT_TRUE(table.detail(1).slab_written);
  EXPECT_TRUE(std::ranges::all_of(table.slab(0), [](char c) { return c == 'a'; }));
  EXPECT_TRUE(std::ranges::all_of(table.slab(1).first(4096), [](char c) { return c == 'b'; }));
  EXPECT_TRUE(std::ranges::all_of(table.slab(1).subspan(4096), [](char c) { return c == 0; }));
  table.TrimSlab(1, 0);
  EXPECT_FALSE(table.detail(1).slab_written);
  EXPECT_TRUE(std::ranges::all_of(table.slab(1), [](char c) { return c == 0; }));
  EXPECT_TRUE(std::ranges::all_of(table.slab(0), [](char c) { return c == 'a'; }));
  EXPECT_TRUE(std::ranges::all_of(table.slab(2), [](char c) { return c == 'c'; }));
}

}  // namespace
}  // namespace hydrapool
