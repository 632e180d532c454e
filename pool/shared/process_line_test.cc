#include "pool/shared/process_line.h"

#include <gtest/gtest.h>

#include <vector>

namespace hydrapool {
namespace {

TEST(ProcessLineTest, FirstComeFirstServed) {
  const ProcessLine line(16);
  for (const std::uint32_t slot : {7u, 3u, 11u}) EXPECT_TRUE(line.Join(slot, 8, 100 + slot));
  EXPECT_EQ(line.First(8), (std::vector<std::uint32_t>{7, 3, 11}));
  EXPECT_EQ(line.First(2), (std::vector<std::uint32_t>{7, 3}));
  EXPECT_EQ(line.Before(7), 0u);
  EXPECT_EQ(line.Before(11), 2u);
  line.Leave(7);
  EXPECT_EQ(line.Before(11), 1u);
  EXPECT_EQ(line.size(), 2u);
}

TEST(ProcessLineTest, WhoDoesNotWaitComesAfterAll) {
  const ProcessLine line(4);
  EXPECT_EQ(line.Before(0), 0u);
  EXPECT_TRUE(line.Join(2, 4, 1));
  EXPECT_EQ(line.Before(0), 1u);
  EXPECT_FALSE(line.Holds(0));
}

TEST(ProcessLineTest, AnotherWorkerFindsTheTurnOfTheOneBefore) {
  const ProcessLine line(4);
  EXPECT_TRUE(line.Join(1, 2, 50));
  EXPECT_TRUE(line.Join(2, 2, 60));
  EXPECT_TRUE(line.Join(1, 2, 70));
  EXPECT_EQ(line.Since(1), 50);
  EXPECT_EQ(line.Before(1), 0u);
}

TEST(ProcessLineTest, WhoHasSteppedOutKeepsItsTurn) {
  const ProcessLine line(8);
  for (const std::uint32_t slot : {4u, 5u, 6u}) EXPECT_TRUE(line.Join(slot, 8, 100 + slot));
  line.StepOut(4);
  EXPECT_EQ(line.Before(5), 0u);
  EXPECT_EQ(line.First(8), (std::vector<std::uint32_t>{5, 6}));
  EXPECT_EQ(line.size(), 2u);
  EXPECT_TRUE(line.Holds(4));
  EXPECT_TRUE(line.Join(7, 8, 200));
  line.StepBack(4);
  EXPECT_EQ(line.First(8), (std::vector<std::uint32_t>{4, 5, 6, 7}));
  EXPECT_EQ(line.Since(4), 104);
  line.StepOut(4);
  line.Leave(4);
  line.StepBack(4);
  EXPECT_FALSE(line.Holds(4));
}

TEST(ProcessLineTest, IsBounded) {
  const ProcessLine line(4);
  EXPECT_TRUE(line.Join(0, 1, 1));
  EXPECT_FALSE(line.Join(1, 1, 1));
  EXPECT_FALSE(line.Join(2, 0, 1));
  line.Leave(0);
  line.Leave(0);
  EXPECT_TRUE(line.Join(1, 1, 1));
  EXPECT_EQ(line.Since(0), 0);
}

}  // namespace
}  // namespace hydrapool
