#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace hydrapool::loadgen {

/// The order in which things of these weights take turns, each as often as its weight and as evenly spread as
/// can be: {3, 1} gives 0 0 1 0. Weights are divided by what they have in common. Pure.
std::vector<std::size_t> Rotation(std::span<const unsigned> weights);

}  // namespace hydrapool::loadgen
