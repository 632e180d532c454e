#pragma once

#include <span>

namespace metrics {

/// Jain's index of how evenly a total is shared: (Σx)² / (n·Σx²), from 1/n (one has all) to 1 (all have the
/// same). 1 where nothing was shared out: no shares, or only zeros. Shares are not negative. (R. Jain, D.
/// Chiu, W. Hawe: A Quantitative Measure of Fairness, DEC-TR-301, 1984.)
inline double JainIndex(std::span<const double> shares) {
  double sum = 0;
  double squares = 0;
  for (const double x : shares) {
    sum += x;
    squares += x * x;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(shares.size()) * squares) : 1.0;
}

}  // namespace metrics
