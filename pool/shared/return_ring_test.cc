#include "pool/shared/return_ring.h"

#include <gtest/gtest.h>

#include <optional>

#include <thread>

namespace hydrapool {
namespace {

std::optional<ReturnRing::Item> Take(ReturnRing& ring) {
  const auto item = ring.Front();
  if (item) ring.Pop();
  return item;
}

TEST(ReturnRingTest, GivesBackInOrder) {
  ReturnRing ring(4);
  EXPECT_TRUE(ring.empty());
  EXPECT_FALSE(Take(ring));
  ring.Put({7, true});
  ring.Put({0x7fffffff, false});
  EXPECT_FALSE(ring.empty());
  const auto first = Take(ring);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->slot, 7u);
  EXPECT_TRUE(first->released);
  const auto second = Take(ring);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->slot, 0x7fffffffu);
  EXPECT_FALSE(second->released);
  EXPECT_TRUE(ring.empty());
}

TEST(ReturnRingTest, HasRoomForEveryLeaseAgainAndAgain) {
  for (const std::uint32_t leases : {1u, 3u, 4u, 7u, 8u}) {
    ReturnRing ring(leases);
    for (int round = 0; round < 100; ++round) {
      for (std::uint32_t slot = 0; slot < leases; ++slot) ring.Put({slot, false});
      for (std::uint32_t slot = 0; slot < leases; ++slot) EXPECT_EQ(Take(ring)->slot, slot);
      EXPECT_FALSE(Take(ring));
    }
  }
}

TEST(ReturnRingTest, ASpoiltRingIsEmptyAndWorksOn) {
  ReturnRing ring(4);
  for (std::uint32_t i = 0; i < 100; ++i) ring.Put({i, false});  // more than there can be
  EXPECT_FALSE(Take(ring));
  EXPECT_TRUE(ring.empty());
  ring.Put({3, true});
  EXPECT_EQ(Take(ring)->slot, 3u);
}

TEST(ReturnRingTest, AProducerAndAConsumerSeeTheSameSequence) {
  constexpr std::uint32_t kItems = 100'000;
  constexpr std::uint32_t kRoom = 64;
  ReturnRing ring(kRoom);
  std::atomic<std::uint32_t> taken{0};
  std::thread producer([&] {
    for (std::uint32_t i = 0; i < kItems; ++i) {
      while (i - taken.load() >= kRoom) std::this_thread::yield();
      ring.Put({i, i % 3 == 0});
    }
  });
  std::uint32_t wrong = 0;
  while (taken < kItems) {
    const auto item = Take(ring);
    if (!item) {
      std::this_thread::yield();
      continue;
    }
    wrong += item->slot != taken || item->released != (taken % 3 == 0);
    ++taken;
  }
  producer.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_TRUE(ring.empty());
}

}  // namespace
}  // namespace hydrapool
