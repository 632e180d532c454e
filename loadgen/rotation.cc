#include "loadgen/rotation.h"

#include <algorithm>
#include <numeric>

namespace loadgen {

std::vector<std::size_t> Rotation(std::span<const unsigned> weights) {
  unsigned common = 0;
  for (const unsigned weight : weights) common = std::gcd(common, weight);
  long total = 0;
  std::vector<long> credit(weights.size());
  for (const unsigned weight : weights) total += weight / std::max(common, 1U);
  std::vector<std::size_t> order;
  for (long turn = 0; turn < total; ++turn) {
    for (std::size_t i = 0; i < weights.size(); ++i) credit[i] += weights[i] / common;
    const auto next = std::ranges::max_element(credit) - credit.begin();
    credit[static_cast<std::size_t>(next)] -= total;
    order.push_back(static_cast<std::size_t>(next));
  }
  return order;
}

}  // namespace loadgen
