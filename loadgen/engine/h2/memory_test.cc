#include "loadgen/engine/h2/memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

namespace hydrapool::loadgen {
namespace {

/// nghttp2's view of it.
class H2MemoryTest : public ::testing::Test {
 protected:
  std::uint8_t* Take(std::size_t size) {
    return static_cast<std::uint8_t*>(memory_.get()->malloc(size, memory_.get()->mem_user_data));
  }
  std::uint8_t* Grow(void* bytes, std::size_t size) {
    return static_cast<std::uint8_t*>(memory_.get()->realloc(bytes, size, memory_.get()->mem_user_data));
  }
  std::uint8_t* Zeros(std::size_t n, std::size_t size) {
    return static_cast<std::uint8_t*>(memory_.get()->calloc(n, size, memory_.get()->mem_user_data));
  }
  void Give(void* bytes) { memory_.get()->free(bytes, memory_.get()->mem_user_data); }

  H2Memory memory_;
};

TEST_F(H2MemoryTest, WhatWasGivenBackIsHandedOutAgain) {
  auto* first = Take(100);
  std::fill_n(first, 100, std::uint8_t{7});
  auto* second = Take(100);
  EXPECT_NE(first, second);
  Give(first);
  EXPECT_EQ(Take(128), first) << "the same step";
  Give(first);
  auto* larger = Take(129);
  EXPECT_NE(larger, first);
  auto* zeros = Zeros(25, 4);
  EXPECT_EQ(zeros, first);
  EXPECT_TRUE(std::ranges::all_of(std::span(zeros, 100), [](auto byte) { return byte == 0; }));
  for (auto* each : {second, larger, zeros}) Give(each);
}

TEST_F(H2MemoryTest, WhatGrowsKeepsItsBytes) {
  auto* bytes = Grow(nullptr, 10);
  std::fill_n(bytes, 10, std::uint8_t{7});
  for (const std::size_t size : {64, 65, 1000, 5000, 100'000}) {
    bytes = Grow(bytes, size);
    ASSERT_TRUE(std::ranges::all_of(std::span(bytes, 10), [](auto byte) { return byte == 7; })) << size;
    bytes[size - 1] = 9;
  }
  Give(bytes);
  Give(nullptr);
}

TEST_F(H2MemoryTest, EachPieceIsItsOwnAndAligned) {
  for (const std::size_t size : {0, 1, 63, 64, 65, 1023, 1024, 1025, 70'000}) {
    auto* a = Take(size);
    auto* b = Take(size);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(a) % alignof(std::max_align_t), 0u) << size;
    std::fill_n(a, size, std::uint8_t{1});
    std::fill_n(b, size, std::uint8_t{2});
    EXPECT_TRUE(std::ranges::all_of(std::span(a, size), [](auto byte) { return byte == 1; })) << size;
    Give(a);
    Give(b);
  }
}

TEST_F(H2MemoryTest, MoreThanThereCanBeIsNone) {
  EXPECT_EQ(Zeros(std::numeric_limits<std::size_t>::max(), 2), nullptr);
}

}  // namespace
}  // namespace hydrapool::loadgen
