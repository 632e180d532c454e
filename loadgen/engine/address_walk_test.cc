#include "loadgen/engine/address_walk.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

constexpr sys::Nanos kQuarter = 250 * sys::kMillisecond;

Endpoint WithAddresses(std::size_t n) {
  Endpoint endpoint;
  for (std::size_t i = 0; i < n; ++i) endpoint.addresses.push_back({.size = static_cast<socklen_t>(i)});
  return endpoint;
}

TEST(AddressWalkTest, EachAddressOnceWhereAllRefuse) {
  const Wire wire;
  auto endpoint = WithAddresses(3);
  endpoint.preferred = 1;
  AddressWalk walk(wire);
  walk.Begin(endpoint, 0);
  EXPECT_EQ(walk.address().size, 1u);
  EXPECT_TRUE(walk.Next(false));
  EXPECT_EQ(walk.address().size, 2u);
  EXPECT_TRUE(walk.Next(false));
  EXPECT_EQ(walk.address().size, 0u);
  EXPECT_FALSE(walk.Next(false));
}

TEST(AddressWalkTest, SilentOnesAreTriedOnceMore) {
  const Wire wire{.timeout = 10 * sys::kSecond};
  auto endpoint = WithAddresses(2);
  AddressWalk walk(wire);
  walk.Begin(endpoint, 0);
  EXPECT_EQ(walk.Due(0), kQuarter);
  EXPECT_TRUE(walk.Next(true));
  EXPECT_EQ(walk.Due(kQuarter), 2 * kQuarter);
  EXPECT_TRUE(walk.Next(false));
  EXPECT_EQ(walk.address().size, 0u);
  EXPECT_EQ(walk.Due(2 * sys::kSecond), 6 * sys::kSecond) << "half of what is left";
  EXPECT_TRUE(walk.Next(true));
  EXPECT_EQ(walk.Due(6 * sys::kSecond), AddressWalk::kNever);
  EXPECT_FALSE(walk.Next(true));
}

TEST(AddressWalkTest, TheOneThatAnsweredIsTheFirstOfTheNext) {
  const Wire wire;
  auto endpoint = WithAddresses(3);
  AddressWalk walk(wire);
  walk.Begin(endpoint, 0);
  walk.Next(true);
  walk.Connected();
  EXPECT_EQ(endpoint.preferred, 1u);
  walk.Begin(endpoint, 0);
  EXPECT_EQ(walk.address().size, 1u);
  walk.GaveUp();
  EXPECT_EQ(endpoint.preferred, 2u);
}

TEST(AddressWalkTest, AnOnlyAddressHasAllTheTime) {
  const Wire wire{.timeout = sys::kSecond};
  const Wire bounded{.timeout = sys::kSecond, .connect_timeout = 100};
  auto endpoint = WithAddresses(1);
  AddressWalk walk(wire);
  walk.Begin(endpoint, 5);
  EXPECT_EQ(walk.Due(5), AddressWalk::kNever);
  EXPECT_FALSE(walk.IsOver(1'000'000));
  AddressWalk bounded_walk(bounded);
  bounded_walk.Begin(endpoint, 5);
  EXPECT_EQ(bounded_walk.Due(5), 105);
  EXPECT_FALSE(bounded_walk.IsOver(104));
  EXPECT_TRUE(bounded_walk.IsOver(105));
}

TEST(AddressWalkTest, ConnectingAsAWholeEndsWhereThePlanSays) {
  const Wire wire{.connect_timeout = 5 * sys::kSecond};
  auto endpoint = WithAddresses(3);
  AddressWalk walk(wire);
  walk.Begin(endpoint, 7);
  EXPECT_EQ(walk.End(), 7 + 5 * sys::kSecond);
  for (int i = 0; i < 4; ++i) walk.Next(true);
  endpoint = WithAddresses(2);
  EXPECT_EQ(walk.Due(sys::kSecond), walk.End()) << "the host has fewer addresses than were tried";
}

TEST(AddressWalkTest, AHostMayHaveNone) {
  const Wire wire;
  Endpoint endpoint{.error = "why"};
  AddressWalk walk(wire);
  EXPECT_FALSE(walk.has_address());
  walk.Begin(endpoint, 0);
  EXPECT_FALSE(walk.has_address());
  EXPECT_EQ(walk.error(), "why");
}

}  // namespace
}  // namespace hydrapool::loadgen
