#include "pool/shared/scoreboard.h"

#include <algorithm>

#include "pool/sys/child.h"

namespace hydrapool {

std::string_view WorkerStateName(WorkerState state) {
  switch (state) {
    case WorkerState::kDead:
      return "dead";
    case WorkerState::kStarting:
      return "starting";
    case WorkerState::kReady:
      return "ready";
    case WorkerState::kDraining:
      return "draining";
  }
  return "?";
}

void WorkerLife::Begin(std::uint32_t in_slot, sys::Nanos now) {
  pid = 0;
  pidfd = -1;
  channel = -1;
  birth = Birth::kExpected;
  slot = in_slot;
  started_at = now;
  program = 0;
  told_to_leave = false;
  told = 0;
  sent = 0;
  owing_since = 0;
  vitality = Vitality::kWell;
  cpu_counted = 0;
  beat = 0;
  busy = 0;
  current = 0;
  taken = 0;
  ready_at = 0;
  requests = 0;
  first_reply_at = 0;
  crash_from_outside = false;
  state = WorkerState::kStarting;
}

sys::Nanos WorkerLife::HeartbeatAge(sys::Nanos now) const {
  const WorkerState present = state.load();
  if (present != WorkerState::kReady && present != WorkerState::kDraining) return 0;
  return std::max<sys::Nanos>(now - std::max(beat.load(), ready_at.load()), 0);
}

bool WorkerLife::BeBorn(std::int32_t self) {
  pid = self;
  Birth expected = Birth::kExpected;
  return birth.compare_exchange_strong(expected, Birth::kBorn);
}

std::uint64_t WorkerSlot::requests() const {
  std::uint64_t sum = 0;
  for (const Counter& replies_of_class : replies) sum += replies_of_class.value();
  return sum;
}

Scoreboard::Scoreboard(std::size_t workers, std::size_t leaving, std::size_t most)
    : slots_(std::max(workers, most)), lives_(slots_.size() + leaving + 1), shared_(1) {
  if (slots_.found()) return;
  for (std::uint32_t i = 0; i < slots_.size(); ++i) slots_[i].life = i;
  Use(workers);
}

std::uint32_t Scoreboard::FewestInHand() const {
  std::uint32_t fewest = UINT32_MAX;
  for (std::size_t worker = 0; worker < workers(); ++worker) {
    const WorkerLife& life = life_of(worker);
    const bool takes = life.state.load(std::memory_order_relaxed) == WorkerState::kReady &&
                       life.vitality.load(std::memory_order_relaxed) == Vitality::kWell;
    const std::uint64_t in_hand = life.busy.load(std::memory_order_relaxed) + life.Untaken();
    if (takes) fewest = static_cast<std::uint32_t>(std::min<std::uint64_t>(fewest, in_hand));
  }
  return fewest;
}

void Scoreboard::Use(std::size_t workers) {
  shared_[0].workers = std::max(shared_[0].workers.load(), std::min(workers, slots_.size()));
}

namespace {

std::size_t CauseNamed(std::string_view name) {
  return static_cast<std::size_t>(std::ranges::find(kExitCauses, name) - kExitCauses.begin());
}

}  // namespace

std::size_t StallCause() { return CauseNamed("stall"); }
std::size_t OutOfMemoryCause() { return CauseNamed("out_of_memory"); }

std::size_t ExitCause(int signal, int code) {
  if (signal == 0) return code == 0 ? 0 : 1;
  const auto name = std::ranges::find(kExitCauses, sys::SignalName(signal));
  return name == kExitCauses.end() ? kExitCauses.size() - 1
                                   : static_cast<std::size_t>(name - kExitCauses.begin());
}

}  // namespace hydrapool
