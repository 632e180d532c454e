#include "loadgen/plan/scenario.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hydrapool::loadgen {
namespace {

/// Above 0, at most 1.
double Uniform(std::uint64_t random) { return (static_cast<double>(random >> 11U) + 1) * 0x1p-53; }

}  // namespace

sys::Nanos Draw(const Think& think, std::uint64_t a, std::uint64_t b) {
  const auto mean = static_cast<double>(think.mean);
  switch (think.kind) {
    case Think::Kind::kConstant:
      break;
    case Think::Kind::kExponential:
      return static_cast<sys::Nanos>(-mean * std::log(Uniform(a)));
    case Think::Kind::kNormal: {
      const double normal =
          std::sqrt(-2 * std::log(Uniform(a))) * std::cos(2 * std::numbers::pi * Uniform(b));
      return static_cast<sys::Nanos>(std::max(0.0, mean + normal * static_cast<double>(think.deviation)));
    }
  }
  return think.mean;
}

}  // namespace hydrapool::loadgen
