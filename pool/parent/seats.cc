#include "pool/parent/seats.h"

#include <algorithm>

namespace hydrapool {

Seats::Seats(Scoreboard& scoreboard, std::size_t leases)
    : scoreboard_(scoreboard),
      records_(scoreboard.most_workers()),
      present_(scoreboard.most_workers()),
      handles_(scoreboard.lives().size()),
      wanted_(scoreboard.most_workers()) {
  for (std::size_t i = handles_.size(); i-- > 0;) {
    const auto number = static_cast<std::uint32_t>(i);
    handles_[i] = std::make_unique<WorkerHandle>(number, scoreboard_.lives()[number], leases);
    free_.push_back(number);
  }
}

void Seats::Adopt() {
  std::erase_if(free_, [this](std::uint32_t number) {
    WorkerHandle& worker = *handles_[number];
    WorkerSlot& slot = scoreboard_.slot(worker.life().slot);
    const bool seated = slot.life == number;
    if (!worker.Adopt()) {
      if (seated && slot.pid != 0) {
        slot.life = scoreboard_.no_life();
        slot.pid = 0;
      }
      return false;
    }
    in_use_.push_back(&worker);
    if (seated && worker.life().stage != WorkerStage::kLeaving) {
      present_[worker.life().slot] = &worker;
      slot.pid = worker.pid();
    }
    return true;
  });
}

void Seats::AppendNoted(std::vector<int>& descriptors) const {
  for (const WorkerHandle* worker : in_use_) {
    descriptors.push_back(worker->life().pidfd);
    descriptors.push_back(worker->life().channel);
  }
}

bool Seats::IsDrained(std::size_t seat) const {
  if (!records_[seat].drained) return false;
  for (std::size_t other = 0; other < wanted_; ++other) {
    if (!records_[other].drained) return true;
  }
  return false;
}

bool Seats::IsPresent(const WorkerHandle& worker) const { return present_[worker.life().slot] == &worker; }

WorkerHandle* Seats::WithPid(pid_t pid) const {
  const auto found =
      std::ranges::find_if(in_use_, [pid](const auto* worker) { return worker->pid() == pid; });
  return found == in_use_.end() ? nullptr : *found;
}

std::optional<std::size_t> Seats::Vacant(sys::Nanos now) const {
  if (free_.empty()) return std::nullopt;
  for (std::size_t seat = 0; seat < wanted_; ++seat) {
    if (present_[seat] == nullptr && records_[seat].next_start <= now && !IsDrained(seat)) return seat;
  }
  return std::nullopt;
}

std::optional<sys::Nanos> Seats::NextStart() const {
  std::optional<sys::Nanos> next;
  if (free_.empty()) return next;
  for (std::size_t seat = 0; seat < wanted_; ++seat) {
    if (present_[seat] == nullptr && !IsDrained(seat))
      next = std::min(next.value_or(INT64_MAX), records_[seat].next_start);
  }
  return next;
}

WorkerHandle& Seats::Settle(std::size_t seat) {
  const std::uint32_t number = free_.back();
  free_.pop_back();
  WorkerHandle& worker = *handles_[number];
  present_[seat] = &worker;
  in_use_.push_back(&worker);
  scoreboard_.slot(seat).life = number;
  return worker;
}

void Seats::Release(const WorkerHandle& worker) {
  WorkerSlot& slot = scoreboard_.slot(worker.life().slot);
  if (slot.life == worker.number()) slot.life = scoreboard_.no_life();
  std::erase(in_use_, &worker);
  free_.push_back(worker.number());
}

}  // namespace hydrapool
