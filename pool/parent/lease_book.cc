#include "pool/parent/lease_book.h"

#include <algorithm>

namespace hydrapool {

LeaseBook::LeaseBook(LeaseTable& table, std::size_t workers)
    : table_(table), held_(table.size()), fds_(table.size()), counts_(workers) {
  free_.reserve(table.size());
  for (std::size_t i = table.size(); i > 0; --i) free_.push_back(static_cast<std::uint32_t>(i - 1));
}

std::optional<std::uint32_t> LeaseBook::Open(sys::UniqueFd& fd, sys::Nanos now) {
  if (free_.empty()) return std::nullopt;
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  used_ = std::max(used_, slot + 1);
  held_[slot] = {fd.get(), kNoWorker, now, {}};
  fds_[slot] = std::move(fd);
  Lease& lease = table_.lease(slot);
  lease.excuse = Excuse::kNone;
  LeaseDetail& detail = table_.detail(slot);
  detail.deadline = 0;
  detail.head_begun = false;
  detail.stalled = false;
  detail.process = 0;
  detail.terminate = false;
  detail.notes_of = 0;
  detail.handler = {};
  detail.connection = {};
  detail.greeted = false;
  detail.resumable = false;
  detail.keeps_ledger = false;
  lease.Store({0, lease.Load().generation, Phase::kIdle});
  return slot;
}

void LeaseBook::KeepLedger(std::uint32_t slot) {
  table_.ledger(slot).Clear();
  table_.detail(slot).keeps_ledger = true;
}

void LeaseBook::Free(std::uint32_t slot) {
  SetOwner(slot, kNoWorker);
  held_[slot].fd = -1;
  fds_[slot].Reset();
  Lease& lease = table_.lease(slot);
  if (table_.detail(slot).resumable) table_.bodies().End(slot);
  table_.TrimSlab(slot);
  lease.step = {};
  lease.end = {};
  lease.Store({0, lease.Load().generation + 1, Phase::kFree});
  free_.push_back(slot);
}

bool LeaseBook::Take(std::uint32_t slot) {
  const LeaseWord before = table_.lease(slot).Load();
  if (before.phase != Phase::kIdle) return false;
  LeaseWord after = before;
  ++after.generation;
  if (!table_.lease(slot).Swap(before, after)) return false;
  SetOwner(slot, kNoWorker);
  return true;
}

void LeaseBook::Relend(std::uint32_t slot, LeaseWord word, Excuse excuse) {
  Lease& lease = table_.lease(slot);
  if (excuse != Excuse::kNone) lease.excuse = excuse;
  ++word.generation;
  lease.Store(word);
  SetOwner(slot, kNoWorker);
}

void LeaseBook::SetOwner(std::uint32_t slot, std::uint32_t worker) {
  std::uint32_t& owner = held_[slot].owner;
  if (owner != kNoWorker) --counts_[owner];
  owner = worker;
  if (owner != kNoWorker) ++counts_[owner];
}

LeaseBook::Record& LeaseBook::record(std::uint32_t slot, std::uint32_t steps, std::uint64_t process) {
  Record& record = held_[slot].record;
  const bool same = record.steps == steps || (process != 0 && record.process == process);
  if (!same) record = {};
  record.steps = steps;
  record.process = process;
  return record;
}

std::vector<std::uint32_t> LeaseBook::SlotsOf(std::uint32_t worker) const {
  std::vector<std::uint32_t> slots;
  slots.reserve(counts_[worker]);
  for (std::uint32_t i = 0; i < used_ && slots.size() < counts_[worker]; ++i) {
    if (held_[i].owner == worker) slots.push_back(i);
  }
  return slots;
}

std::vector<std::uint32_t> LeaseBook::OpenSlots() const {
  std::vector<std::uint32_t> slots;
  for (std::uint32_t i = 0; i < used_; ++i) {
    if (held_[i].fd >= 0) slots.push_back(i);
  }
  return slots;
}

}  // namespace hydrapool
