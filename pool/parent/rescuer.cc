#include "pool/parent/rescuer.h"

#include <sys/socket.h>

#include <utility>

#include "pool/shared/unavailable.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"
#include "pool/sys/socket.h"
#include "pool/sys/tcp_counters.h"

namespace hydrapool {
namespace {

std::string ReplyOf(std::string (*handler)(Excuse)) {
  try {
    return handler(Excuse::kUnavailable);
  } catch (...) {
    sys::log::Error("the handler's AbandonedReply failed");
    return {};
  }
}

// A ledger counts modulo 2^32, and has come no further than one step from `base`.
std::uint64_t Widen(std::uint32_t count, std::uint64_t base) {
  return base + static_cast<std::uint32_t>(count - static_cast<std::uint32_t>(base));
}

}  // namespace

Rescuer::Rescuer(Leases& leases, Seats& seats, Lender& lender, PoolCounts& counts, FateJournal& fates,
                 std::string (*reply)(Excuse))
    : leases_(leases), seats_(seats), lender_(lender), counts_(counts), fates_(fates), reply_(reply) {}

void Rescuer::RescueAll(const WorkerHandle& dead, const sys::ExitStatus& status) {
  const bool by_itself = IsToBlame(status) && !dead.life().crash_from_outside;
  const bool to_blame = by_itself || dead.life().vitality == Vitality::kStalled;
  const std::uint32_t current = dead.life().current.load();
  for (const std::uint32_t slot : leases_.book.SlotsOf(dead.number())) {
    const auto hold = leases_.quarantine.Hold(slot);
    const Phase phase = leases_.table.lease(slot).Load().phase;
    const LeaseDetail& detail = leases_.table.detail(slot);
    const bool resumable = detail.resumable || leases_.table.line().Holds(slot);
    if (HYDRAPOOL_FAILPOINT_SKIPS("parent.rescue") && phase != Phase::kClosed) {
      Lose(slot);
      continue;
    }
    RescueLease(slot, to_blame,
                WasTouched({.slot = slot,
                            .current = current,
                            .phase = phase,
                            .process = detail.LoadProcess().state,
                            .resumable = resumable,
                            .to_blame = to_blame}));
  }
}

void Rescuer::RescueLease(std::uint32_t slot, bool to_blame, bool touched) {
  const LeaseWord word = leases_.table.lease(slot).Load();
  if (word.offered || (word.phase == Phase::kIdle && leases_.book.rescues(slot).IsAsRescued(word)))
    return LendAgain(slot);  // this worker has never had it
  Orphan orphan = Examine(slot);
  RequestPast& past = PastOf(slot, word);
  orphan.to_blame = to_blame;
  orphan.touched = touched;
  orphan.strikes = past.strikes;
  orphan.rescues = past.rescues;
  const Rescue rescue = DecideRescue(orphan);
  const Aftermath after = DecideAftermath(orphan, rescue);
  past.strikes = rescue.strikes;
  past.rescues = after.rescues;
  HYDRAPOOL_FAILPOINT("parent.judged");
  Count(slot, orphan.word.phase, after);
  EndProcess(slot, after.process);
  HYDRAPOOL_FAILPOINT("parent.process_left");
  if (rescue.action != Rescue::Action::kLease) {
    if (rescue.action == Rescue::Action::kCut) sys::ResetConnection(leases_.book.fd(slot));
    leases_.book.Free(slot);
    return;
  }
  leases_.book.Relend(slot, rescue.word, rescue.excuse);
  HYDRAPOOL_FAILPOINT("parent.relent");
  if (after.process != Aftermath::Process::kKeep) ForgetProcess(slot);
  Lend(slot, rescue);
}

void Rescuer::ForgetProcess(std::uint32_t slot) {
  LeaseDetail& detail = leases_.table.detail(slot);
  detail.process = 0;
  detail.terminate = false;
  detail.resumable = false;
  leases_.table.bodies().End(slot);
}

void Rescuer::LendAgain(std::uint32_t slot) {
  const Orphan orphan = Examine(slot);
  if (orphan.word.phase == Phase::kIdle) {
    ForgetProcess(slot);  // between requests there is none
    if (leases_.TakeIdle(slot)) lender_.LendIdle(slot);
    return;
  }
  const Rescue rescue = DecideRescue(orphan);
  if (!leases_.book.TakeOffered(slot)) return;
  if (rescue.action == Rescue::Action::kLease) return Lend(slot, rescue);
  sys::ResetConnection(leases_.book.fd(slot));
  leases_.keeper.Drop(slot, true);
  leases_.book.Free(slot);
}

void Rescuer::Lend(std::uint32_t slot, const Rescue& rescue) {
  ToWorker message = leases_.MessageFor(slot);
  message.step_consumed = static_cast<std::uint32_t>(rescue.step_consumed);
  message.step_sent = static_cast<std::uint32_t>(rescue.step_sent);
  lender_.Lend(message);
}

// Before a request is begun, a process that is still held is that of the one before, which is over.
RequestPast& Rescuer::PastOf(std::uint32_t slot, const LeaseWord& word) {
  const bool begun = PhaseIndex(word.phase) >= PhaseIndex(Phase::kExecuting);
  return leases_.book.rescues(slot).ForRescue(word, begun ? leases_.keeper.OfferOf(slot) : 0);
}

std::optional<std::uint64_t> Rescuer::SentOn(std::uint32_t slot) const {
  if (!leases_.table.detail(slot).keeps_ledger)
    return trusts_counters_ ? sys::BytesSent(leases_.book.fd(slot)) : std::nullopt;
  const auto sent = leases_.table.ledger(slot).sent();
  if (!sent) return std::nullopt;
  return Widen(*sent, leases_.table.lease(slot).Current().sent_base);
}

std::optional<std::uint64_t> Rescuer::ConsumedOn(std::uint32_t slot) const {
  if (!leases_.table.detail(slot).keeps_ledger)
    return trusts_counters_ ? sys::BytesConsumed(leases_.book.fd(slot)) : std::nullopt;
  const auto taken = leases_.table.ledger(slot).taken();
  if (!taken) return std::nullopt;
  return Widen(*taken, leases_.table.lease(slot).Current().consumed_base);
}

Orphan Rescuer::Examine(std::uint32_t slot) {
  const Lease& lease = leases_.table.lease(slot);
  const LeaseWord word = lease.Load();
  const StepEnd before = lease.end[(word.steps + 1) & 1];
  leases_.table.places().GiveBack(ProcessPlaces::Claimant(slot, word.generation));
  leases_.keeper.Part(slot);
  const bool same = before.next == Phase::kExecuting;
  Orphan orphan{.word = word,
                .step = lease.step[word.steps & 1],
                .end = lease.end[word.steps & 1],
                .sent = std::nullopt,
                .consumed = std::nullopt,
                .began_once = same && before.once,
                .answer_begun = same && before.begun,
                .process_running = leases_.keeper.CloseGate(slot),
                .resumable = leases_.table.detail(slot).resumable.load(),
                .terminate = leases_.table.detail(slot).terminate.load()};
  if (orphan.process_running) {
    leases_.table.line().Leave(slot);
  } else {
    leases_.table.line().StepBack(slot);  // nothing came of its turn
  }
  if (word.phase == Phase::kResponding || word.phase == Phase::kFeeding) {
    orphan.sent = SentOn(slot);
    orphan.consumed = ConsumedOn(slot);
  }
  return orphan;
}

void Rescuer::Count(std::uint32_t slot, Phase phase, const Aftermath& after) {
  if (after.counts_as != Excuse::kNone) {
    const bool poison = after.counts_as == Excuse::kPoison;
    (poison ? counts_.poison : counts_.abandoned).Add();
    sys::log::Warn("{}: {}", sys::PeerAddress(leases_.book.fd(slot)),
                   poison ? "a request that kills workers was stopped"
                          : "a request was abandoned: its worker died while it ran");
  }
  if (after.counts_as_rescued) counts_.rescued[PhaseIndex(phase)].Add();
  if (after.counts_as_cut) counts_.cut.Add();
  if (after.fate) NoteFate(slot, phase, *after.fate);
}

void Rescuer::EndProcess(std::uint32_t slot, Aftermath::Process process) {
  if (process == Aftermath::Process::kKeep) return;
  leases_.keeper.Drop(slot, process == Aftermath::Process::kTerminate);
}

void Rescuer::TellUnavailable(std::uint32_t slot) {
  const int fd = leases_.book.fd(slot);
  const Lease& lease = leases_.table.lease(slot);
  const LeaseWord word = lease.Load();
  const std::uint64_t waiting = sys::BytesWaiting(fd);
  switch (DecideFarewell({.word = word,
                          .step = lease.step[word.steps & 1],
                          .end = lease.end[word.steps & 1],
                          .owed = lease.excuse,
                          .sent = SentOn(slot),
                          .waiting = waiting})) {
    case Farewell::kCut:
      counts_.cut.Add();
      NoteFate(slot, word.phase, Fate::Kind::kCut);
      sys::ResetConnection(fd);
      break;
    case Farewell::kReply:
      counts_.unavailable.Add();
      NoteFate(slot, word.phase, Fate::Kind::kUnavailable);
      SendFarewell(slot, waiting);
      break;
    case Farewell::kClose:
      break;
  }
  ::shutdown(fd, SHUT_WR);
  leases_.keeper.Drop(slot, true);
  leases_.book.Free(slot);
}

// Once, also where the parent before has died over it; where the kernel does not count, at most once.
void Rescuer::SendFarewell(std::uint32_t slot, std::uint64_t waiting) {
  const int fd = leases_.book.fd(slot);
  const auto sent = sys::BytesSent(fd);
  const auto before = leases_.book.rescues(slot).NoteFarewell(sent.value_or(0));
  sys::Discard(fd, waiting);
  if (before && before != sent) return;
  const std::string reply = ReplyOf(reply_);
  ::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  HYDRAPOOL_FAILPOINT("parent.said_farewell");
}

void Rescuer::NoteLost(std::uint32_t slot) {
  const Phase phase = leases_.table.lease(slot).Load().phase;
  if (PhaseIndex(phase) == PhaseIndex(Phase::kIdle)) return;
  counts_.lost[PhaseIndex(phase)].Add();
  NoteFate(slot, phase, Fate::Kind::kLost);
}

// What a server without rescue does (tests only).
void Rescuer::Lose(std::uint32_t slot) {
  const Phase phase = leases_.table.lease(slot).Load().phase;
  if (PhaseIndex(phase) != PhaseIndex(Phase::kIdle)) counts_.lost[PhaseIndex(phase)].Add();
  NoteFate(slot, phase, Fate::Kind::kLost);
  leases_.keeper.Drop(slot, true);
  leases_.book.Free(slot);
}

void Rescuer::NoteFate(std::uint32_t slot, Phase phase, Fate::Kind kind) {
  Fate fate{.at = sys::Now(), .peer = sys::PeerAddress(leases_.book.fd(slot)), .phase = phase, .kind = kind};
  if (const std::uint32_t owner = leases_.book.owner(slot); owner != kNoWorker) {
    const WorkerLife& life = seats_.handle(owner).life();
    fate.worker = life.slot;
    fate.pid = life.pid;
  }
  fates_.Add(std::move(fate));
}

}  // namespace hydrapool
