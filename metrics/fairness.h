#pragma once

#include <algorithm>
#include <span>

/// How evenly a total is shared out. Shares are not negative.
namespace hydrapool::metrics {

struct ShareSums {
  double sum = 0;
  double squares = 0;
  double max = 0;
};
inline ShareSums SumsOf(std::span<const double> shares) {
  ShareSums sums;
  for (const double x : shares) {
    sums.sum += x;
    sums.squares += x * x;
    sums.max = std::max(sums.max, x);
  }
  return sums;
}

/// Jain's index: (Σx)² / (n·Σx²), from 1/n (one has all) to 1 (all have the same). 1 where nothing was shared
/// out: no shares, or only zeros. (R. Jain, D. Chiu, W. Hawe: A Quantitative Measure of Fairness,
/// DEC-TR-301, 1984.)
inline double JainIndex(std::span<const double> shares) {
  const ShareSums of = SumsOf(shares);
  return of.squares > 0 ? of.sum * of.sum / (static_cast<double>(shares.size()) * of.squares) : 1.0;
}

/// The largest share over the mean one, from 1 (all have the same) to n (one has all): how much more the
/// busiest does than its part. 1 where nothing was shared out.
inline double MaxOverMean(std::span<const double> shares) {
  const ShareSums of = SumsOf(shares);
  return of.sum > 0 ? of.max * static_cast<double>(shares.size()) / of.sum : 1.0;
}

}  // namespace hydrapool::metrics
