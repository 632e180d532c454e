#pragma once

#include <cstddef>
#include <span>

#include "pool/shared/body_budget.h"
#include "pool/shared/lease.h"
#include "pool/shared/process_line.h"
#include "pool/shared/process_places.h"
#include "pool/sys/shared_memory.h"
#include "pool/sys/socket_ledger.h"

namespace hydrapool {

/// All leases of a pool, and for each a slab of shared memory in which its answer lies until it is sent.
/// Untouched slabs cost nothing.
class LeaseTable {
 public:
  explicit LeaseTable(std::size_t capacity);
  [[nodiscard]] std::size_t size() const { return leases_.size(); }
  [[nodiscard]] Lease& lease(std::size_t slot) const { return leases_[slot]; }
  [[nodiscard]] LeaseDetail& detail(std::size_t slot) const { return details_[slot]; }
  [[nodiscard]] std::span<char> slab(std::size_t slot) const;
  /// Of a lease that keeps one.
  [[nodiscard]] sys::SocketLedger& ledger(std::size_t slot) const { return ledgers_[slot]; }
  [[nodiscard]] const ProcessPlaces& places() const { return places_; }
  [[nodiscard]] const ProcessLine& line() const { return line_; }
  [[nodiscard]] const BodyBudget& bodies() const { return bodies_; }
  /// What a handler keeps of a request until it is answered (worker/answer_watcher.h).
  [[nodiscard]] std::span<std::byte> docket(std::size_t slot) const;
  /// Gives a slab's memory back to the system, except its first `keep` bytes (0 or kSlabPage). Only for the
  /// worker that has claimed the lease.
  void TrimSlab(std::size_t slot, std::size_t keep) const;

 private:
  sys::SharedArray<Lease> leases_;
  sys::SharedArray<LeaseDetail> details_;
  sys::SharedArray<sys::SocketLedger> ledgers_;
  sys::SharedMemory slabs_;
  sys::SharedMemory dockets_;
  ProcessPlaces places_;
  ProcessLine line_;
  BodyBudget bodies_;
};

}  // namespace hydrapool
