#include "pool/parent/recycler.h"

#include "pool/sys/log.h"
#include "pool/sys/own_memory.h"

namespace hydrapool {
namespace {

// A number from 0 to 1 that is the worker's own for all its life.
double Lot(const WorkerLife& life) {
  const auto born = static_cast<std::uint64_t>(life.started_at) + life.slot;
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
  return static_cast<double>(born * kGolden >> 11) / static_cast<double>(std::uint64_t{1} << 53);
}

}  // namespace

Recycler::Recycler(Seats& seats, const Recycling& rules, const PoolLife& life)
    : seats_(seats), rules_(rules), life_(life) {}

void Recycler::Look(sys::Nanos now) {
  for (std::size_t seat = seats_.wanted(); seat < seats_.size(); ++seat) {
    const WorkerHandle* worker = seats_.present(seat);
    if (worker != nullptr && !worker->life().told_to_leave) TellToLeave(*worker, RecycleCause::kSurplus);
  }
  if (!AllReady()) return;
  const bool weigh = rules_.memory != 0 && now >= next_weighing_;
  if (weigh) next_weighing_ = now + sys::kSecond;
  for (std::size_t seat = 0; seat < seats_.wanted(); ++seat) {
    if (seats_.present(seat) == nullptr) continue;  // drained
    const WorkerHandle& worker = *seats_.present(seat);
    if (const RecycleCause cause = Judge(worker, now, weigh); cause != RecycleCause::kNone)
      return TellToLeave(worker, cause);
  }
}

bool Recycler::AllReady() const {
  if (!seats_.HasPlace()) return false;
  for (std::size_t seat = 0; seat < seats_.wanted(); ++seat) {
    const WorkerHandle* worker = seats_.present(seat);
    if (worker == nullptr && seats_.IsDrained(seat)) continue;
    if (worker == nullptr || worker->life().told_to_leave) return false;
    if (worker->life().state.load() != WorkerState::kReady) return false;
  }
  return true;
}

RecycleCause Recycler::Judge(const WorkerHandle& worker, sys::Nanos now, bool weigh) const {
  const WorkerLife& life = worker.life();
  return WhyRecycle({.outdated = life.program != life_.program,
                     .requests = life.requests.load(std::memory_order_relaxed),
                     .memory = weigh ? sys::OwnMemoryOf(worker.pid()) : 0,
                     .age = now - life.started_at,
                     .lot = Lot(life)},
                    rules_);
}

void Recycler::TellToLeave(const WorkerHandle& worker, RecycleCause cause) {
  sys::log::Info("worker {} (process {}) {}", worker.life().slot, worker.pid(), Describe(cause));
  worker.TellToLeave();
}

}  // namespace hydrapool
