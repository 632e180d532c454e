#include "pool/sys/shared_memory.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <system_error>

#include "pool/sys/child.h"
#include "pool/sys/test_tcp.h"

namespace hydrapool::sys {
namespace {

TEST(SharedMemoryTest, IsZeroedAndAsLargeAsAsked) {
  const SharedMemory memory(10'000);
  EXPECT_EQ(memory.size(), 10'000u);
  EXPECT_TRUE(std::all_of(memory.data(), memory.data() + memory.size(),
                          [](std::byte b) { return b == std::byte{}; }));
}

TEST(SharedMemoryTest, ThrowsWhereItCannotBeHad) {
  EXPECT_THROW(SharedMemory(SIZE_MAX / 2), std::system_error);
}

TEST(SharedArrayTest, WhatAChildWritesItsParentSeesAfterItsDeath) {
  const SharedArray<std::atomic<int>> numbers(3);
  Child child = Child::Fork([&]() -> int {
    numbers[1] = 42;
    return ::raise(SIGKILL);
  });
  ASSERT_TRUE(test::WaitFor(child.pidfd(), POLLIN));
  ASSERT_TRUE(child.TryReap());
  EXPECT_EQ(numbers[0], 0);
  EXPECT_EQ(numbers[1], 42);
  EXPECT_EQ(numbers.items().size(), 3u);
}

TEST(SharedArrayTest, ItemsAreConstructed) {
  struct Item {
    int value = 7;
  };
  const SharedArray<Item> items(2);
  EXPECT_EQ(items[0].value, 7);
  EXPECT_EQ(items[1].value, 7);
}

TEST(SharedArrayTest, ZerosThatAreValidAreNotTouchedSoLargeArraysCostNothing) {
  const SharedArray<char> large(std::size_t{1} << 34);
  EXPECT_EQ(large[(std::size_t{1} << 34) - 1], 0);
}

}  // namespace
}  // namespace hydrapool::sys
