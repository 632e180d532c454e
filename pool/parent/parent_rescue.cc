// What becomes of a dead worker's connections.
#include <signal.h>

#include <algorithm>
#include <array>

#include "pool/parent/parent.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"
#include "pool/sys/socket.h"
#include "pool/sys/tcp_counters.h"

namespace hydrapool {
namespace {

/// Deaths that a request can have caused: crashes and limits. A kill from outside is none.
bool IsToBlame(const sys::ExitStatus& status) {
  constexpr std::array crashes{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP, SIGXCPU};
  return status.signal != 0 ? std::ranges::find(crashes, status.signal) != crashes.end() : status.code != 0;
}

}  // namespace

void Pool::Parent::RescueAll(std::size_t worker, const sys::ExitStatus& status, std::uint32_t touched) {
  const bool to_blame = IsToBlame(status);
  for (const std::uint32_t slot : book_.SlotsOf(static_cast<std::uint32_t>(worker))) {
    // A crash outside of any call that names its lease: in a callback that an execution has set up on the
    // bare loop. Any of those may be to blame; where a process answers, its courier sets up none.
    const bool suspect = touched == 0 && table_.lease(slot).Load().phase == Phase::kExecuting &&
                         table_.detail(slot).LoadProcess().state == ProcessWord::State::kNone;
    RescueLease(slot, to_blame, touched == slot + 1 || (to_blame && suspect));
  }
}

void Pool::Parent::RescueLease(std::uint32_t slot, bool to_blame, bool touched) {
  const int fd = book_.fd(slot);
  const Lease& lease = table_.lease(slot);
  const LeaseWord word = lease.Load();
  if (HYDRAPOOL_FAILPOINT_SKIPS("parent.rescue") && word.phase != Phase::kClosed)
    return LoseLease(slot, word.phase);
  LeaseBook::Record& record = book_.record(slot, word.steps, keeper_.OfferOf(slot));
  const StepEnd before = lease.end[(word.steps + 1) & 1];
  const bool same = word.steps > 0 && before.next == Phase::kExecuting;
  Orphan orphan{.word = word,
                .step = lease.step[word.steps & 1],
                .end = lease.end[word.steps & 1],
                .sent = std::nullopt,
                .consumed = std::nullopt,
                .began_once = same && before.once,
                .answer_begun = same && before.begun,
                .process_running = keeper_.CloseGate(slot),
                .touched = touched,
                .to_blame = to_blame,
                .strikes = record.strikes,
                .rescues = record.rescues};
  if (counters_known_ && (word.phase == Phase::kResponding || word.phase == Phase::kFeeding)) {
    orphan.sent = sys::BytesSent(fd);
    orphan.consumed = sys::BytesConsumed(fd);
  }
  const Rescue rescue = DecideRescue(orphan);
  PoolCounts& counts = scoreboard.counts();
  if (rescue.verdict != Verdict::kNone) {
    const bool poison = rescue.verdict == Verdict::kPoison;
    (poison ? counts.poison : counts.abandoned).Add();
    sys::log::Warn("{}: {}", sys::PeerAddress(fd),
                   poison ? "a request that kills workers was stopped"
                          : "a request was abandoned: its worker died while it ran");
  }
  switch (rescue.action) {
    case Rescue::Action::kFree:
      keeper_.Drop(slot, table_.detail(slot).terminate.load());
      book_.Free(slot);
      return;
    case Rescue::Action::kCut:
      counts.cut.Add();
      NoteFate(slot, word.phase, Fate::Kind::kCut);
      sys::ResetConnection(fd);
      keeper_.Drop(slot, true);
      book_.Free(slot);
      return;
    case Rescue::Action::kLease:
      break;
  }
  if (rescue.verdict == Verdict::kNone) {
    counts.rescued[PhaseIndex(word.phase)].Add();
    if (PhaseIndex(word.phase) != PhaseIndex(Phase::kIdle)) NoteFate(slot, word.phase, Fate::Kind::kRescued);
  } else {
    NoteFate(slot, word.phase,
             rescue.verdict == Verdict::kPoison ? Fate::Kind::kPoison : Fate::Kind::kAbandoned);
  }
  record.strikes = rescue.strikes;
  if (touched) ++record.rescues;
  if (rescue.word.phase == Phase::kIdle || rescue.word.phase == Phase::kClosing) {
    keeper_.Drop(slot, rescue.verdict != Verdict::kNone || table_.detail(slot).terminate.load());
    table_.detail(slot).process = 0;
    table_.detail(slot).terminate = false;
    if (rescue.verdict == Verdict::kNone && word.phase != Phase::kIdle && word.phase != Phase::kReading) {
      table_.detail(slot).handler = {};
    }
  }
  book_.Relend(slot, rescue.word, rescue.verdict);
  Assign({.slot = slot,
          .generation = lease.Load().generation,
          .step_consumed = static_cast<std::uint32_t>(rescue.step_consumed),
          .step_sent = static_cast<std::uint32_t>(rescue.step_sent)});
}

// What a server without rescue does (tests only).
void Pool::Parent::LoseLease(std::uint32_t slot, Phase phase) {
  if (PhaseIndex(phase) != PhaseIndex(Phase::kIdle)) scoreboard.counts().lost[PhaseIndex(phase)].Add();
  NoteFate(slot, phase, Fate::Kind::kLost);
  keeper_.Drop(slot, true);
  book_.Free(slot);
}

void Pool::Parent::NoteFate(std::uint32_t slot, Phase phase, Fate::Kind kind) {
  Fate fate{.at = sys::Now(), .peer = sys::PeerAddress(book_.fd(slot)), .phase = phase, .kind = kind};
  if (const std::uint32_t owner = book_.owner(slot); owner != LeaseBook::kNobody) {
    fate.worker = owner;
    fate.pid = scoreboard.slot(owner).pid;
  }
  fates.Add(std::move(fate));
}

}  // namespace hydrapool
