#include "loadgen/stats/outcome_counts.h"

namespace hydrapool::loadgen {

void OutcomeCounts::Explain(Outcome outcome, std::string_view why) {
  std::string& first = first_[Index(outcome)];
  if (first.empty()) first = why;
}

void OutcomeCounts::Merge(const OutcomeCounts& other) {
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    Add(outcome, other.of(outcome));
    Explain(outcome, other.explanation(outcome));
  }
}

std::uint64_t OutcomeCounts::completed() const {
  return of(Outcome::kOk) + of(Outcome::kBadStatus) + of(Outcome::kWrongBody);
}

std::uint64_t OutcomeCounts::failed() const {
  std::uint64_t n = 0;
  for (const auto count : counts_) n += count;
  return n - completed();
}

}  // namespace hydrapool::loadgen
