#include "pool/parent/rescue_record.h"

#include <atomic>

namespace hydrapool {

RequestPast& RescueRecord::Of(std::uint32_t steps, std::uint64_t process) {
  const bool same = past_.steps == steps || (process != 0 && past_.process == process);
  if (!same) past_ = {};
  past_.steps = steps;
  past_.process = process;
  return past_;
}

RequestPast& RescueRecord::ForRescue(LeaseWord word, std::uint64_t process) {
  if (orphan_ == word.Pack()) {
    past_ = before_;
  } else {
    before_ = past_;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    orphan_ = word.Pack();
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return Of(word.steps, process);
}

void RescueRecord::NoteRelent(LeaseWord word) {
  relent_ = word.Pack();
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

std::optional<std::uint64_t> RescueRecord::NoteFarewell(std::uint64_t sent) {
  if (farewell_ != 0) return farewell_ - 1;
  farewell_ = sent + 1;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return std::nullopt;
}

}  // namespace hydrapool
