// Functions of the pool itself, in whose place a planted fault may stand (faults.h).
#include "pool/parent/lease_book.h"
#include "pool/parent/listeners.h"
#include "pool/shared/rescue.h"
#include "pool/simulation/system_call.h"
#include "pool/sys/tcp_counters.h"
#include "pool/worker/leased_connection.h"

using namespace hydrapool;
using namespace hydrapool::simulation;

namespace {

bool Planted(Fault fault) { return Simulated() && World::current->faults.Is(fault); }

using Count = std::optional<std::uint64_t>;

Count BytesTried(int fd, const sys::TcpReads& reads) {
  const auto facts = reads.Facts(fd);
  return facts ? Count(facts->bytes_sent - facts->bytes_retrans + facts->notsent_bytes) : std::nullopt;
}

Count OneRead(int fd, const sys::TcpReads& reads) {
  const auto facts = reads.Facts(fd);
  const auto queued = reads.Unacknowledged(fd);
  return facts && queued ? Count(facts->bytes_acked + *queued) : std::nullopt;
}

Count WithPeersEnd(int fd, const sys::TcpReads& reads) {
  const auto facts = reads.Facts(fd);
  const auto waiting = reads.Waiting(fd);
  return facts && waiting ? Count(facts->bytes_received - *waiting) : std::nullopt;
}

}  // namespace

extern "C" {

// LeaseTable::LeaseTable(std::size_t): its leases may have had a long life already.
void __real__ZN9hydrapool10LeaseTableC1Em(LeaseTable* self, std::size_t capacity);
void __wrap__ZN9hydrapool10LeaseTableC1Em(LeaseTable* self, std::size_t capacity) {
  __real__ZN9hydrapool10LeaseTableC1Em(self, capacity);
  if (Simulated()) World::current->StartNearTheWrap(*self);
}

// LeaseBook::Open
using Slot = std::optional<std::uint32_t>;
Slot __real__ZN9hydrapool9LeaseBook4OpenERNS_8UniqueFdElb(LeaseBook* self, UniqueFd& fd, Nanos now,
                                                          bool ledger);
Slot __wrap__ZN9hydrapool9LeaseBook4OpenERNS_8UniqueFdElb(LeaseBook* self, UniqueFd& fd, Nanos now,
                                                          bool ledger) {
  const Slot slot = __real__ZN9hydrapool9LeaseBook4OpenERNS_8UniqueFdElb(self, fd, now, ledger);
  if (slot && Simulated()) World::current->StartNearTheWrap(*slot);
  return slot;
}

// Listeners::HasAccepted
bool __real__ZNK9hydrapool9Listeners11HasAcceptedEi(const Listeners* self, int fd);
bool __wrap__ZNK9hydrapool9Listeners11HasAcceptedEi(const Listeners* self, int fd) {
  return !Planted(Fault::kForgottenNewcomer) && __real__ZNK9hydrapool9Listeners11HasAcceptedEi(self, fd);
}

// LeaseBook::Adopt
void __real__ZN9hydrapool9LeaseBook5AdoptEv(LeaseBook* self);
void __wrap__ZN9hydrapool9LeaseBook5AdoptEv(LeaseBook* self) {
  if (!Planted(Fault::kForgottenBook)) __real__ZN9hydrapool9LeaseBook5AdoptEv(self);
}

// LeaseBook::Take
bool __real__ZN9hydrapool9LeaseBook4TakeEjNS_9LeaseWordE(LeaseBook* self, std::uint32_t slot, LeaseWord idle);
bool __wrap__ZN9hydrapool9LeaseBook4TakeEjNS_9LeaseWordE(LeaseBook* self, std::uint32_t slot,
                                                         LeaseWord idle) {
  Lease* const lease = Simulated() ? World::current->faults.LeaseOf(slot) : nullptr;
  if (Planted(Fault::kPlainTake) && idle.phase == Phase::kIdle) lease->Store(idle);
  const bool taken = __real__ZN9hydrapool9LeaseBook4TakeEjNS_9LeaseWordE(self, slot, idle);
  const bool last = idle.generation == LeaseWord::kGenerationMask;
  if (taken && (Planted(Fault::kOldGeneration) || (last && Planted(Fault::kLastGeneration))))
    lease->Store(idle);
  return taken;
}

// LeaseBook::Free
void __real__ZN9hydrapool9LeaseBook4FreeEj(LeaseBook* self, std::uint32_t slot);
void __wrap__ZN9hydrapool9LeaseBook4FreeEj(LeaseBook* self, std::uint32_t slot) {
  if (Planted(Fault::kForgottenLease) && World::current->random.OneIn(20)) return;
  __real__ZN9hydrapool9LeaseBook4FreeEj(self, slot);
}

// DecideRescue
Rescue __real__ZN9hydrapool12DecideRescueERKNS_6OrphanE(const Orphan& orphan);
Rescue __wrap__ZN9hydrapool12DecideRescueERKNS_6OrphanE(const Orphan& orphan) {
  Orphan seen = orphan;
  if (Planted(Fault::kRunsAgain) && seen.word.phase == Phase::kExecutingOnce)
    seen.word.phase = Phase::kReading;
  if (Planted(Fault::kAnswerTwice) && seen.word.phase == Phase::kResponding) seen.process_running = true;
  Rescue rescue = __real__ZN9hydrapool12DecideRescueERKNS_6OrphanE(seen);
  if (Planted(Fault::kReplayedStep)) rescue.step_sent = 0;
  return rescue;
}

// sys::BytesSent
Count __real__ZN9hydrapool3sys9BytesSentEiRKNS0_8TcpReadsE(int fd, const sys::TcpReads& reads);
Count __wrap__ZN9hydrapool3sys9BytesSentEiRKNS0_8TcpReadsE(int fd, const sys::TcpReads& reads) {
  if (Planted(Fault::kBytesTried)) return BytesTried(fd, reads);
  if (Planted(Fault::kOneRead)) return OneRead(fd, reads);
  return __real__ZN9hydrapool3sys9BytesSentEiRKNS0_8TcpReadsE(fd, reads);
}

// sys::BytesConsumed
Count __real__ZN9hydrapool3sys13BytesConsumedEiRKNS0_8TcpReadsE(int fd, const sys::TcpReads& reads);
Count __wrap__ZN9hydrapool3sys13BytesConsumedEiRKNS0_8TcpReadsE(int fd, const sys::TcpReads& reads) {
  if (Planted(Fault::kPeersEnd)) return WithPeersEnd(fd, reads);
  return __real__ZN9hydrapool3sys13BytesConsumedEiRKNS0_8TcpReadsE(fd, reads);
}

// LeasedConnection::DoTick, as it is called when a lease is taken up
void __real__ZN9hydrapool16LeasedConnection6DoTickEl(LeasedConnection* self, Nanos now);
void __wrap__ZN9hydrapool16LeasedConnection6DoTickEl(LeasedConnection* self, Nanos now) {
  if (!Planted(Fault::kDeadlineAtSweep)) __real__ZN9hydrapool16LeasedConnection6DoTickEl(self, now);
}

}  // extern "C"
