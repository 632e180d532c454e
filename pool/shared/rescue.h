#pragma once

#include <cstdint>
#include <optional>

#include "hydrapool/excuse.h"
#include "pool/shared/fate_journal.h"
#include "pool/shared/lease_word.h"
#include "pool/shared/process_word.h"
#include "pool/sys/child.h"

namespace hydrapool {

/// A dead worker's lease, as the parent finds it after reaping: the shared record and the kernel's counters.
struct Orphan {
  LeaseWord word;
  LeaseStep step;                         ///< the current step; meaningful in kFeeding and kResponding
  StepEnd end;                            ///< and where it leads
  std::optional<std::uint64_t> sent;      ///< sys::BytesSent; nullopt: this kernel or socket cannot say
  std::optional<std::uint64_t> consumed;  ///< sys::BytesConsumed
  bool began_once = false;       ///< the step before was the same request's, which must not run again
  bool answer_begun = false;     ///< the steps before sent a part of the same request's answer
  bool process_running = false;  ///< its request's process passed the gate: it runs, has failed or has ended
  bool resumable = false;        ///< LeaseDetail::resumable
  bool touched = false;          ///< the worker was touching it at its death
  bool terminate = false;        ///< its process is to be ended with the request
  bool to_blame = false;      ///< the worker died by a crash, a limit or our own watchdog, not from outside
  std::uint32_t strikes = 0;  ///< before this death
  std::uint32_t rescues = 0;  ///< of the same request, before this death
};

/// What becomes of it.
struct Rescue {
  enum class Action {
    kFree,   ///< nothing is owed any more: close it
    kLease,  ///< lend it again, with `word`
    kCut,    ///< bytes of an answer have left and the rest is gone: reset the connection, count it
  };
  Action action = Action::kFree;
  LeaseWord word;  ///< its generation is the parent's to change
  /// With kLease: the client is owed this reply instead of a run. With kCut: why.
  Excuse excuse = Excuse::kNone;
  std::uint64_t step_sent = 0;      ///< of the current step: bytes that have left
  std::uint64_t step_consumed = 0;  ///< and bytes that are consumed
  std::uint32_t strikes = 0;        ///< to remember for this request
};

inline constexpr std::uint32_t kStrikesToPoison = 2;
inline constexpr std::uint32_t kRescuesToPoison = 20;

/// How many bytes of the step have left, where `sent` is sys::BytesSent. More than the step's length: the
/// record and the kernel do not agree.
///
/// Our own FIN follows the last byte of a step that ends the connection, and only that of one: where the
/// kernel counts it among the bytes (TCP_CLOSE), it is the one byte more.
std::uint64_t SentOfStep(std::uint64_t sent, const LeaseStep& step, const StepEnd& end);

/// Decides, as a pure function:
/// what was not begun is done by another worker; what is on its way out goes on at the very byte where the
/// rest is at hand; what must not run twice is answered with an excuse. What crashes workers is stopped at
/// the second crash, also while its process runs: by an excuse or, where a part of its answer has left, by a
/// cut. What would run again is stopped too after kRescuesToPoison deaths of any kind.
Rescue DecideRescue(const Orphan& orphan);

/// What follows from a rescue for the request's process, for what is remembered of the request, and for what
/// is counted and told.
struct Aftermath {
  enum class Process {
    kKeep,       ///< the request goes on, and its process with it
    kLetFinish,  ///< the request is over; its process ends by itself
    kTerminate,
  };
  Process process = Process::kKeep;
  std::uint32_t rescues = 0;       ///< to remember for this request
  bool counts_as_rescued = false;  ///< by its phase, idle connections too
  bool counts_as_cut = false;
  Excuse counts_as = Excuse::kNone;     ///< kAbandoned or kPoison
  std::optional<Fate::Kind> fate = {};  ///< for the journal
};
Aftermath DecideAftermath(const Orphan& orphan, const Rescue& rescue);

/// Deaths that a request can have caused: crashes and limits. A kill from outside is none.
bool IsToBlame(const sys::ExitStatus& status);

/// A lease of a worker that died, as far as it says whether the worker was touching it.
struct Suspect {
  std::uint32_t slot = 0;
  std::uint32_t current = 0;  ///< WorkerLife::current at the death: 1 + the lease it touched
  Phase phase = Phase::kIdle;
  ProcessWord::State process = ProcessWord::State::kNone;
  bool resumable = false;  ///< LeaseDetail::resumable, or it waits for its process's turn
  bool to_blame = false;
};
/// True for the lease that the worker has named. Where it has named none and crashed, it did so in a callback
/// that an execution has set up on the bare loop: any execution may be to blame, but those that a process
/// answers, or that are resumable: these set up none.
bool WasTouched(const Suspect& suspect);

}  // namespace hydrapool
