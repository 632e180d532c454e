#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "loadgen/stats/outcome.h"

namespace hydrapool::loadgen {

/// How many requests had each outcome, and the first explanation that was seen of each.
class OutcomeCounts {
 public:
  void Add(Outcome outcome, std::uint64_t n = 1) { counts_[Index(outcome)] += n; }
  /// For people: why. The first one of an outcome is kept.
  void Explain(Outcome outcome, std::string_view why);
  void Merge(const OutcomeCounts& other);

  [[nodiscard]] std::uint64_t of(Outcome outcome) const { return counts_[Index(outcome)]; }
  /// Empty: none was seen.
  [[nodiscard]] const std::string& explanation(Outcome outcome) const { return first_[Index(outcome)]; }
  [[nodiscard]] std::uint64_t completed() const;
  [[nodiscard]] std::uint64_t failed() const;
  /// Failed for want of local ports or descriptors: they never left this machine.
  [[nodiscard]] std::uint64_t never_left() const {
    return of(Outcome::kNoPorts) + of(Outcome::kNoDescriptors);
  }

 private:
  static std::size_t Index(Outcome outcome) { return static_cast<std::size_t>(outcome); }

  std::array<std::uint64_t, kOutcomes> counts_{};
  std::array<std::string, kOutcomes> first_;
};

}  // namespace hydrapool::loadgen
