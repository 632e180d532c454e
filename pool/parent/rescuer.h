#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pool/parent/leases.h"
#include "pool/parent/lender.h"
#include "pool/parent/seats.h"
#include "pool/shared/fate_journal.h"
#include "pool/shared/rescue.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/child.h"

namespace hydrapool {

/// What becomes of connections that have lost their worker, or get none. The decisions are those of rescue.h
/// and unavailable.h; here they are carried out, counted and noted.
class Rescuer {
 public:
  /// `reply` is the handler's, for what cannot be answered otherwise.
  Rescuer(Leases& leases, Seats& seats, Lender& lender, PoolCounts& counts, FateJournal& fates,
          std::string (*reply)(Excuse));

  /// The kernel's counters of a socket cannot be relied on: where a lease keeps no ledger, an answer on its
  /// way is cut.
  void DistrustCounters() { trusts_counters_ = false; }
  [[nodiscard]] bool trusts_counters() const { return trusts_counters_; }

  /// All leases of a worker that was reaped: each is lent again, cut or freed.
  void RescueAll(const WorkerHandle& dead, const sys::ExitStatus& status);
  /// A lease that a parent before has rescued and not lent: lends it.
  void LendAgain(std::uint32_t slot);
  /// No worker came in time: the client is told so by the parent, and the connection ends.
  void TellUnavailable(std::uint32_t slot);
  /// A request in hand is given up, and counted as lost; the connection stays open.
  void NoteLost(std::uint32_t slot);

 private:
  void RescueLease(std::uint32_t slot, bool to_blame, bool touched);
  RequestPast& PastOf(std::uint32_t slot, const LeaseWord& word);
  [[nodiscard]] std::optional<std::uint64_t> SentOn(std::uint32_t slot) const;
  [[nodiscard]] std::optional<std::uint64_t> ConsumedOn(std::uint32_t slot) const;
  [[nodiscard]] Orphan Examine(std::uint32_t slot);
  void Lend(std::uint32_t slot, const Rescue& rescue);
  void ForgetProcess(std::uint32_t slot);
  void SendFarewell(std::uint32_t slot, std::uint64_t waiting);
  void Count(std::uint32_t slot, Phase phase, const Aftermath& after);
  void EndProcess(std::uint32_t slot, Aftermath::Process process);
  void Lose(std::uint32_t slot);
  void NoteFate(std::uint32_t slot, Phase phase, Fate::Kind kind);

  Leases& leases_;
  Seats& seats_;
  Lender& lender_;
  PoolCounts& counts_;
  FateJournal& fates_;
  std::string (*reply_)(Excuse);
  bool trusts_counters_ = true;
};

}  // namespace hydrapool
