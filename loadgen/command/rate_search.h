#pragma once

#include <optional>

namespace hydrapool::loadgen {

/// Looks for the highest rate that holds what it must.
///
///     RateSearch search({.first = 100});
///     while (auto rate = search.Next()) search.Tell(*rate, /*holds=*/…);
///     search.best();
///
/// It doubles while it holds, halves while it does not, and then halves the gap (in ratio) between the
/// highest that held and the lowest that did not, until that is within the precision. It takes for granted
/// that what fails at one rate fails at higher ones. Pure.
class RateSearch {
 public:
  struct Rules {
    double first = 100;
    double lowest = 1;
    double highest = 1e7;
    double precision = 0.05;
    int most_steps = 40;
  };
  explicit RateSearch(const Rules& rules) : rules_(rules) {}

  /// The rate to try next; nullopt: it is found, or there is none.
  [[nodiscard]] std::optional<double> Next() const;
  void Tell(double rate, bool holds);
  /// The highest rate that held.
  [[nodiscard]] std::optional<double> best() const { return holds_; }

 private:
  Rules rules_;
  std::optional<double> holds_;
  std::optional<double> fails_;
  int steps_ = 0;
};

}  // namespace hydrapool::loadgen
