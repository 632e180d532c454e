#include "pool/shared/lease_table.h"

#include <sys/mman.h>
#include <unistd.h>

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

void LeaseTable::TrimSlab(std::size_t slot, std::size_t keep) const {
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t kept = (keep + page - 1) / page * page;
  if (kept < kSlab) ::madvise(slabs_.data() + slot * kSlab + kept, kSlab - kept, MADV_REMOVE);
  details_[slot].slab_grown.store(false, std::memory_order_relaxed);
  if (keep == 0) details_[slot].slab_written.store(false, std::memory_order_relaxed);
}

}  // namespace hydrapool
