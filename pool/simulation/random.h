#pragma once

#include <cstddef>
#include <cstdint>

namespace hydrapool::simulation {

/// The one source of chance: the same seed gives the same numbers on every machine (SplitMix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// 0 to n - 1; n is at least 1.
  std::uint64_t Below(std::uint64_t n) { return Next() % n; }
  /// `low` to `high`, both included.
  std::uint64_t Between(std::uint64_t low, std::uint64_t high) { return low + Below(high - low + 1); }
  /// True once in n times; never for 0.
  bool OneIn(std::uint64_t n) { return n != 0 && Below(n) == 0; }
  /// 1 to `most`, mostly all of it, so that a story comes on.
  std::uint64_t Some(std::uint64_t most) { return OneIn(3) ? Between(1, most) : most; }
  template <std::size_t N>
  std::uint64_t OneOf(const std::uint64_t (&values)[N]) {
    return values[Below(N)];
  }

 private:
  std::uint64_t state_;
};

}  // namespace hydrapool::simulation
