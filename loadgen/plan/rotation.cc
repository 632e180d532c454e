#include "loadgen/plan/rotation.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace hydrapool::loadgen {

std::vector<std::size_t> Rotation(std::span<const unsigned> weights) {
  struct Turn {
    double at;  // in a round that lasts from 0 to 1
    std::size_t of;
  };
  unsigned common = 0;
  for (const unsigned weight : weights) common = std::gcd(common, weight);
  std::vector<Turn> turns;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const unsigned times = weights[i] / common;
    for (unsigned k = 0; k < times; ++k) turns.push_back({.at = (k + 0.5) / times, .of = i});
  }
  std::ranges::sort(turns, {}, [](const Turn& turn) { return std::pair(turn.at, turn.of); });
  std::vector<std::size_t> order;
  for (const auto& turn : turns) order.push_back(turn.of);
  return order;
}

}  // namespace hydrapool::loadgen
