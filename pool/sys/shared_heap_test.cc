#include "pool/sys/shared_heap.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "pool/sys/shared_memory.h"

namespace hydrapool::sys {
namespace {

struct Item {
  int value = 7;
};

/// As the program that follows finds it.
UniqueFd Found(const SharedHeap& heap) { return UniqueFd(::fcntl(heap.fd(), F_DUPFD_CLOEXEC, 0)); }

TEST(SharedHeapTest, WhatIsFoundIsAsItWasLeft) {
  SharedHeap first(1);
  {
    const SharedHeap::Use use(&first);
    const SharedArray<Item> items(3);
    EXPECT_FALSE(items.found());
    EXPECT_EQ(items[2].value, 7);
    items[2].value = 8;
  }
  first.Seal();

  SharedHeap second(Found(first), 1);
  const SharedHeap::Use use(&second);
  const SharedArray<Item> items(3);
  EXPECT_TRUE(items.found());
  EXPECT_EQ(items[1].value, 7);
  EXPECT_EQ(items[2].value, 8);
  EXPECT_NO_THROW(second.Seal());
}

TEST(SharedHeapTest, BothSeeTheSameMemory) {
  SharedHeap first(1);
  const auto take = [](SharedHeap& heap) {
    const SharedHeap::Use use(&heap);
    return SharedArray<Item>(1);
  };
  const auto items = take(first);
  first.Seal();
  SharedHeap second(Found(first), 1);
  const auto same = take(second);
  items[0].value = 9;
  EXPECT_EQ(same[0].value, 9);
}

TEST(SharedHeapTest, OtherRecordsAreRefused) {
  SharedHeap first(1);
  {
    const SharedHeap::Use use(&first);
    const SharedArray<Item> items(3);
  }
  first.Seal();
  EXPECT_THROW(SharedHeap(Found(first), 2), SharedHeap::OtherLayout);

  SharedHeap more(Found(first), 1);
  const SharedHeap::Use use(&more);
  const SharedArray<Item> items(3);
  const SharedArray<std::uint64_t> another(1);
  EXPECT_THROW(more.Seal(), SharedHeap::OtherLayout);
}

TEST(SharedHeapTest, WhatIsNoHeapIsRefused) {
  EXPECT_THROW(SharedHeap(UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)), 1), SharedHeap::OtherLayout);
  EXPECT_THROW(SharedHeap(UniqueFd(), 1), SharedHeap::OtherLayout);
}

TEST(SharedHeapTest, WithoutOneInUseMemoryIsItsMakersOwn) {
  const SharedHeap heap(1);
  const SharedArray<Item> items(1);
  EXPECT_EQ(SharedHeap::InUse(), nullptr);
  EXPECT_FALSE(items.found());
}

}  // namespace
}  // namespace hydrapool::sys
