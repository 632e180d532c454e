#include "pool/parent/lease_book.h"

#include <algorithm>

#include "pool/sys/failpoint.h"

namespace hydrapool {

LeaseBook::LeaseBook(LeaseTable& table, std::size_t workers, std::size_t most)
    : table_(table),
      held_(table.size()),
      used_(1),
      fds_(table.size()),
      peers_(table.size()),
      counts_(workers),
      most_(most) {
  free_.reserve(table.size());
  for (std::size_t i = table.size(); i > 0; --i) free_.push_back(static_cast<std::uint32_t>(i - 1));
}

void LeaseBook::Adopt() {
  free_.clear();
  for (auto slot = static_cast<std::uint32_t>(table_.size()); slot-- > 0;) {
    if (slot >= used_[0]) {
      free_.push_back(slot);
      continue;
    }
    Held& held = held_[slot];
    if (held.shut) {  // perhaps not to its end
      FinishShut(slot);
      ++shut_;
      continue;
    }
    fds_[slot].Reset(held.fd);
    if (held.freeing || held.fd < 0) {
      FinishFree(slot);
      continue;
    }
    peers_.Enter(slot, held.fd);
    if (held.owner != kNoWorker) ++counts_[held.owner];
  }
}

// Its worker leaves it, for the generation is another.
void LeaseBook::Shut(std::uint32_t slot) {
  held_[slot].shut = true;
  peers_.Leave(slot);
  const LeaseWord word = table_.lease(slot).Load();
  table_.places().GiveBack(ProcessPlaces::Claimant(slot, word.generation));
  table_.lease(slot).Store({0, word.generation + 1, Phase::kFree});
  FinishShut(slot);
}

void LeaseBook::FinishShut(std::uint32_t slot) {
  table_.line().Leave(slot);
  table_.bodies().End(slot);
  held_[slot].owner = kNoWorker;
  const sys::UniqueFd closed(held_[slot].fd.exchange(-1));
}

void LeaseBook::AppendNoted(std::vector<int>& descriptors) const {
  for (std::uint32_t i = 0; i < used_[0]; ++i) {
    if (held_[i].fd >= 0) descriptors.push_back(held_[i].fd);
  }
}

std::optional<std::uint32_t> LeaseBook::Open(sys::UniqueFd& fd, sys::Nanos now, bool ledger) {
  if (free_.empty()) return std::nullopt;
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  used_[0] = std::max(used_[0], slot + 1);
  Held& held = held_[slot];
  held.owner = kNoWorker;
  held.delivery = {.accepted_at = now};
  held.rescues = {};
  Lease& lease = table_.lease(slot);
  lease.excuse = Excuse::kNone;
  table_.detail(slot).Clear(ledger);
  if (ledger) table_.ledger(slot).Clear();
  lease.Store({0, lease.Load().generation, Phase::kIdle});
  held.fd = fd.get();
  HYDRAPOOL_FAILPOINT("parent.opened");
  fds_[slot] = std::move(fd);
  peers_.Enter(slot, held.fd);
  return slot;
}

void LeaseBook::Free(std::uint32_t slot) {
  held_[slot].freeing = true;
  SetOwner(slot, kNoWorker);
  FinishFree(slot);
}

void LeaseBook::FinishFree(std::uint32_t slot) {
  peers_.Leave(slot);
  fds_[slot].Reset();
  HYDRAPOOL_FAILPOINT("parent.closed");
  Lease& lease = table_.lease(slot);
  if (table_.detail(slot).resumable) table_.bodies().End(slot);
  table_.line().Leave(slot);
  if (table_.detail(slot).slab_grown) table_.TrimSlab(slot, kSlabPage);
  lease.step = {};
  lease.end = {};
  lease.Store({0, lease.Load().generation + 1, Phase::kFree});
  held_[slot].owner = kNoWorker;
  held_[slot].fd = -1;
  held_[slot].freeing = false;
  free_.push_back(slot);
}

bool LeaseBook::Take(std::uint32_t slot, LeaseWord idle) {
  LeaseWord taken = idle;
  ++taken.generation;
  if (idle.phase != Phase::kIdle || !table_.lease(slot).Swap(idle, taken)) return false;
  SetOwner(slot, kNoWorker);
  return true;
}

bool LeaseBook::TakeOffered(std::uint32_t slot) {
  const LeaseWord before = table_.lease(slot).Load();
  LeaseWord after = before;
  ++after.generation;
  if (!before.offered || !table_.lease(slot).Swap(before, after)) return false;
  SetOwner(slot, kNoWorker);
  return true;
}

void LeaseBook::Relend(std::uint32_t slot, LeaseWord word, Excuse excuse) {
  Lease& lease = table_.lease(slot);
  if (excuse != Excuse::kNone) lease.excuse = excuse;
  ++word.generation;
  word.offered = word.phase != Phase::kIdle;
  held_[slot].rescues.NoteRelent(word);
  lease.Store(word);
  SetOwner(slot, kNoWorker);
}

void LeaseBook::SetOwner(std::uint32_t slot, std::uint32_t worker) {
  Held& held = held_[slot];
  if (held.owner != kNoWorker) --counts_[held.owner];
  held.delivery.sent = false;
  std::atomic_signal_fence(std::memory_order_seq_cst);  // not yet sent to whom it belongs from here on
  held.owner = worker;
  if (worker != kNoWorker) {
    held.delivery.waits_since = 0;
    ++counts_[worker];
  }
}

std::vector<std::uint32_t> LeaseBook::SlotsOf(std::uint32_t worker) const {
  std::vector<std::uint32_t> slots;
  slots.reserve(counts_[worker]);
  for (std::uint32_t i = 0; i < used_[0] && slots.size() < counts_[worker]; ++i) {
    if (held_[i].owner == worker) slots.push_back(i);
  }
  return slots;
}

std::vector<std::uint32_t> LeaseBook::OpenSlots() const {
  std::vector<std::uint32_t> slots;
  for (std::uint32_t i = 0; i < used_[0]; ++i) {
    if (held_[i].fd >= 0) slots.push_back(i);
  }
  return slots;
}

}  // namespace hydrapool
