#include "pool/shared/rescue.h"

#include <algorithm>

#include "pool/sys/crash_origin.h"

namespace hydrapool {
namespace {

using Action = Rescue::Action;

Rescue Again(const Orphan& orphan, Phase phase) {
  Rescue rescue{.action = Action::kLease, .word = orphan.word};
  rescue.word.phase = phase;
  return rescue;
}

/// Another worker can go on with the request in execution.
bool GoesOn(const Orphan& orphan) { return orphan.process_running || orphan.resumable; }

/// The client is owed a reply for a request that will not run (again).
Rescue Owe(const Orphan& orphan, Excuse excuse) {
  Rescue rescue = Again(orphan, Phase::kIdle);
  rescue.excuse = excuse;
  return rescue;
}

/// More of the answer was to follow the step, and only the worker knew what.
bool RestIsGone(const Orphan& orphan) { return orphan.end.next == Phase::kExecuting && !GoesOn(orphan); }

/// A step of such an answer. What came before the answer is finished; then the request runs again, or is owed
/// a reply.
Rescue WithoutRest(const Orphan& orphan, std::uint64_t sent) {
  const bool begun = orphan.answer_begun || (sent > 0 && !orphan.end.interim);
  if (begun) return {.action = Action::kCut, .word = orphan.word};
  const bool consumed = sent == orphan.step.send && orphan.step.consume > 0;
  const bool runs_again = !orphan.end.once && !consumed;
  Rescue rescue = Again(orphan, sent > 0 ? Phase::kResponding : Phase::kIdle);
  rescue.step_sent = sent;
  if (!runs_again) rescue.excuse = Excuse::kAbandoned;
  return rescue;
}

Rescue FinishResponse(const Orphan& orphan) {
  if (!orphan.sent) return {.action = Action::kCut, .word = orphan.word};
  const std::uint64_t sent = SentOfStep(*orphan.sent, orphan.step, orphan.end);
  if (sent > orphan.step.send) return {.action = Action::kCut, .word = orphan.word};
  if (RestIsGone(orphan)) return WithoutRest(orphan, sent);
  const bool all_sent = sent == orphan.step.send;
  if (!orphan.end.in_slab && !all_sent) {
    // The bytes died with the worker. If the client has seen none of them, the request may run again or is
    // owed a reply.
    if (sent > 0) return {.action = Action::kCut, .word = orphan.word};
    const bool ran = orphan.process_running || orphan.end.once;
    return ran ? Owe(orphan, Excuse::kAbandoned) : Again(orphan, Phase::kIdle);
  }
  Rescue rescue = Again(orphan, Phase::kResponding);
  rescue.step_sent = sent;
  rescue.step_consumed = all_sent && orphan.consumed ? *orphan.consumed - orphan.step.consumed_base : 0;
  return rescue;
}

Rescue DecideByPhase(const Orphan& orphan) {
  switch (orphan.word.phase) {
    case Phase::kFree:
    case Phase::kClosed:
      return {.action = Action::kFree, .word = orphan.word};
    case Phase::kIdle:
    case Phase::kReading:
      return Again(orphan, Phase::kIdle);
    case Phase::kClosing:
      return Again(orphan, Phase::kClosing);
    case Phase::kExecuting:
      if (GoesOn(orphan)) return Again(orphan, Phase::kExecuting);
      if (orphan.answer_begun) return {.action = Action::kCut, .word = orphan.word};
      return orphan.began_once ? Owe(orphan, Excuse::kAbandoned) : Again(orphan, Phase::kIdle);
    case Phase::kExecutingOnce:
      return GoesOn(orphan) ? Again(orphan, Phase::kExecuting) : Owe(orphan, Excuse::kAbandoned);
    case Phase::kFeeding: {
      if (!orphan.consumed || !GoesOn(orphan)) return Owe(orphan, Excuse::kAbandoned);
      Rescue rescue = Again(orphan, Phase::kFeeding);
      rescue.step_consumed = *orphan.consumed - orphan.step.consumed_base;
      return rescue;
    }
    case Phase::kResponding:
      return FinishResponse(orphan);
  }
  return {};
}

/// No byte of an answer has left, so that the client can be told by another.
bool CanBeAnswered(const Orphan& orphan) {
  return !orphan.answer_begun &&
         (orphan.word.phase != Phase::kResponding || orphan.sent == orphan.step.sent_base);
}

bool InHand(Phase phase) { return PhaseIndex(phase) != PhaseIndex(Phase::kIdle); }

}  // namespace

std::uint64_t SentOfStep(std::uint64_t sent, const LeaseStep& step, const StepEnd& end) {
  const std::uint64_t of_step = sent - step.sent_base;
  const bool with_fin = end.next == Phase::kClosing && of_step == std::uint64_t{step.send} + 1;
  return with_fin ? step.send : of_step;
}

Rescue DecideRescue(const Orphan& orphan) {
  Rescue rescue = DecideByPhase(orphan);
  rescue.strikes = orphan.strikes + (orphan.to_blame && orphan.touched ? 1 : 0);
  const bool goes_on = rescue.action == Action::kLease && rescue.excuse == Excuse::kNone;
  if (!goes_on || !InHand(orphan.word.phase)) return rescue;
  const bool would_run_again = rescue.word.phase == Phase::kIdle;
  const bool worn = would_run_again && orphan.touched && orphan.rescues >= kRescuesToPoison;
  if (rescue.strikes < kStrikesToPoison && !worn) return rescue;
  Rescue stop = Owe(orphan, Excuse::kPoison);
  if (!CanBeAnswered(orphan)) stop = {.action = Action::kCut, .word = orphan.word, .excuse = Excuse::kPoison};
  stop.strikes = rescue.strikes;
  return stop;
}

Aftermath DecideAftermath(const Orphan& orphan, const Rescue& rescue) {
  using Process = Aftermath::Process;
  const Process over = orphan.terminate ? Process::kTerminate : Process::kLetFinish;
  Aftermath after{.rescues = orphan.rescues, .counts_as = rescue.excuse};
  switch (rescue.action) {
    case Action::kFree:
      after.process = over;
      return after;
    case Action::kCut:
      after.process = Process::kTerminate;
      after.counts_as_cut = true;
      after.fate = Fate::Kind::kCut;
      return after;
    case Action::kLease:
      break;
  }
  if (orphan.touched) ++after.rescues;
  const bool request_over = rescue.word.phase == Phase::kIdle || rescue.word.phase == Phase::kClosing;
  if (rescue.excuse == Excuse::kNone) {
    after.counts_as_rescued = true;
    if (InHand(orphan.word.phase)) after.fate = Fate::Kind::kRescued;
    if (request_over) after.process = over;
  } else {
    after.fate = rescue.excuse == Excuse::kPoison ? Fate::Kind::kPoison : Fate::Kind::kAbandoned;
    after.process = Process::kTerminate;
  }
  return after;
}

bool IsToBlame(const sys::ExitStatus& status) {
  using sys::kCrashSignals;
  if (status.signal == 0) return status.code != 0;
  return std::ranges::find(kCrashSignals, status.signal) != kCrashSignals.end();
}

bool WasTouched(const Suspect& suspect) {
  if (suspect.current != 0) return suspect.current == suspect.slot + 1;
  return suspect.to_blame && !suspect.resumable && suspect.phase == Phase::kExecuting &&
         suspect.process == ProcessWord::State::kNone;
}

}  // namespace hydrapool
