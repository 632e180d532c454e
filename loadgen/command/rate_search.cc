#include "loadgen/command/rate_search.h"

#include <algorithm>
#include <cmath>

namespace hydrapool::loadgen {

std::optional<double> RateSearch::Next() const {
  if (steps_ >= rules_.most_steps) return std::nullopt;
  if (!holds_ && !fails_) return rules_.first;
  if (!fails_) {
    if (*holds_ >= rules_.highest) return std::nullopt;
    return std::min(2 * *holds_, rules_.highest);
  }
  if (!holds_) {
    if (*fails_ <= rules_.lowest) return std::nullopt;
    return std::max(*fails_ / 2, rules_.lowest);
  }
  if (*fails_ / *holds_ <= 1 + rules_.precision) return std::nullopt;
  return std::sqrt(*fails_ * *holds_);
}

void RateSearch::Tell(double rate, bool holds) {
  ++steps_;
  if (holds) {
    holds_ = std::max(rate, holds_.value_or(rate));
  } else {
    fails_ = std::min(rate, fails_.value_or(rate));
  }
}

}  // namespace hydrapool::loadgen
