#include "loadgen/stats/phases.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

TEST(PhasesTest, OfAWholeRequestTheyAddUpToItsService) {
  const auto phases = PhasesOf(100, {.connected = 103, .secured = 110, .first_byte = 130, .whole = 131});
  EXPECT_EQ(phases.connect, 3);
  EXPECT_EQ(phases.tls, 7);
  EXPECT_EQ(phases.first_byte, 20);
  EXPECT_EQ(phases.body, 1);
}

TEST(PhasesTest, OnAKeptAliveConnectionThereIsNothingToConnect) {
  const auto phases = PhasesOf(100, {.first_byte = 130, .whole = 130});
  EXPECT_EQ(phases.connect, 0);
  EXPECT_EQ(phases.tls, 0);
  EXPECT_EQ(phases.first_byte, 30);
  EXPECT_EQ(phases.body, 0);
}

TEST(PhasesTest, WhatWasNotOverIsAbsent) {
  EXPECT_EQ(PhasesOf(100, {}).connect, 0);
  EXPECT_EQ(PhasesOf(100, {.connected = 103}).first_byte, 0);
  EXPECT_EQ(PhasesOf(100, {.connected = 103, .first_byte = 110}).body, 0);
}

}  // namespace
}  // namespace hydrapool::loadgen
