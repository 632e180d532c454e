#include "pool/shared/lease_table.h"

#include <sys/mman.h>

namespace hydrapool {

LeaseTable::LeaseTable(std::size_t capacity)
    : leases_(capacity),
      details_(capacity),
      ledgers_(capacity),
      slabs_(capacity * kSlab),
      dockets_(capacity * kDocketBytes),
      line_(capacity) {}

std::span<char> LeaseTable::slab(std::size_t slot) const {
  return {reinterpret_cast<char*>(slabs_.data()) + slot * kSlab, kSlab};
}

std::span<std::byte> LeaseTable::docket(std::size_t slot) const {
  return {dockets_.data() + slot * kDocketBytes, kDocketBytes};
}

void LeaseTable::TrimSlab(std::size_t slot) const {
  std::atomic<bool>& grown = details_[slot].slab_grown;
  if (!grown.load(std::memory_order_relaxed)) return;
  ::madvise(slabs_.data() + slot * kSlab + kSlabPage, kSlab - kSlabPage, MADV_REMOVE);
  grown.store(false, std::memory_order_relaxed);
}

}  // namespace hydrapool
