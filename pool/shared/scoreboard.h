#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "pool/shared/counter.h"
#include "pool/shared/duration_histogram.h"
#include "pool/shared/limit.h"
#include "pool/shared/phase.h"
#include "pool/shared/pulse.h"
#include "pool/shared/request_counts.h"
#include "pool/shared/vital_signs.h"
#include "pool/shared/worker_stage.h"
#include "pool/sys/clock.h"
#include "pool/sys/log_file.h"
#include "pool/sys/log_line.h"
#include "pool/sys/shared_memory.h"

/// What a pool knows about itself, in shared memory: one slot for each worker, which survives the worker; one
/// life for each process that is a worker now; and the parent's own counts.
///
/// A slot may have two workers for a while: one that leaves, and the one that has replaced it. Both add to
/// the slot's counters; each has a life of its own, whose every field has one writer. Nothing is locked, so a
/// dead worker can hold nothing. Readers see each number whole and never falling, but not all numbers of one
/// instant.
namespace hydrapool {

std::string_view WorkerStateName(WorkerState state);
inline constexpr std::array kWorkerStates{WorkerState::kDead, WorkerState::kStarting, WorkerState::kReady,
                                          WorkerState::kDraining};

/// One life of a worker: a process, from its fork until it is reaped. "parent" and "worker" name the writer.
struct alignas(64) WorkerLife {
  /// Whether its process has come to be, though its parent may have died in the fork: the newborn swaps
  /// kExpected to kBorn before it does anything, and ends at once where it cannot.
  enum class Birth : std::uint8_t { kNone, kExpected, kBorn };
  // parent
  std::atomic<std::int32_t> pid{0};
  std::atomic<Birth> birth{Birth::kNone};
  std::int32_t pidfd = -1;    ///< numbers in the parents' table of descriptors
  std::int32_t channel = -1;  ///< the parent's end
  std::uint32_t slot = 0;     ///< of WorkerSlot
  std::uint32_t program = 0;  ///< PoolLife::program that has made it
  bool told_to_leave = false;
  WorkerStage stage = WorkerStage::kNone;
  sys::Nanos started_at = 0;           ///< CLOCK_MONOTONIC
  std::atomic<std::uint64_t> told{0};  ///< messages put into its batch
  std::uint64_t sent = 0;              ///< and into its channel
  sys::Nanos owing_since = 0;          ///< as Pulse::owing_since
  std::atomic<Vitality> vitality{Vitality::kWell};
  std::atomic<sys::Nanos> cpu_counted{0};  ///< of its CPU time, what its slot has been credited with

  // worker
  /// The worker says ready and draining, the parent the rest.
  alignas(64) std::atomic<WorkerState> state{WorkerState::kDead};
  std::atomic<std::uint32_t> busy{0};      ///< requests being read, executed or answered
  std::atomic<std::uint32_t> current{0};   ///< 1 + the lease it touches at this moment; 0: none
  std::atomic<std::uint64_t> taken{0};     ///< messages taken out of its channel
  std::atomic<std::uint64_t> requests{0};  ///< answered
  std::atomic<sys::Nanos> beat{0};         ///< when its loop last came round
  std::atomic<sys::Nanos> ready_at{0};
  std::atomic<sys::Nanos> first_reply_at{0};  ///< 0: none yet
  std::atomic<bool> crash_from_outside{false};  ///< sys::NoteCrashesFromOutside

  /// Messages between the parent and its loop.
  [[nodiscard]] std::uint64_t Untaken() const {
    const std::uint64_t all = told.load(std::memory_order_relaxed);
    return all - std::min(all, taken.load());
  }
  /// How long its loop has not come round. 0: it is dead, or does not serve yet.
  [[nodiscard]] sys::Nanos HeartbeatAge(sys::Nanos now) const;
  /// Makes it the record of a new life in `slot`.
  void Begin(std::uint32_t slot, sys::Nanos now);
  /// In the newborn. False: it is not wanted any more.
  bool BeBorn(std::int32_t self);
};

/// One worker's slot, which keeps its number over all its lives.
struct alignas(64) WorkerSlot {
  // the parent's
  std::atomic<std::int32_t> pid{0};  ///< of its present worker; 0 while dead
  std::atomic<std::uint32_t> incarnation{0};
  std::atomic<std::uint32_t> life{0};  ///< which of Scoreboard::lives is its present worker's
  std::atomic<std::uint32_t> leases{0};
  Counter connections_leased;
  Counter cpu_nanos;                       ///< of all its workers, as far as the parent has looked
  std::atomic<std::int32_t> last_exit{0};  ///< exit code, or 256 + signal; meaningful once incarnation > 1

  // its workers'
  alignas(64) std::array<Counter, kReplyClasses> replies;
  Counter busy_nanos;
  Counter received_bytes;  ///< of requests, taken from the kernel
  Counter sent_bytes;      ///< of answers, handed to the kernel
  /// Requests answered by "can be neither finished nor run again" (the parent counts those of its own).
  Counter abandoned;
  Counter cut;  ///< answers broken off by the worker: a process that died, a client that did not read in time
  Counter executions_started;                      ///< processes started for requests (CGI)
  Counter gave_up_waiting;                         ///< requests that got no place for their process in time
  Counter access_lines_dropped;                    ///< of the access log
  std::array<Counter, kLimitNames.size()> limits;  ///< by Limit: how often it was run into
  RequestSeconds request_seconds;
  DurationHistogram execution_start_seconds;  ///< from the decision to start a process to its exec

  [[nodiscard]] std::uint64_t requests() const;
  void Hit(Limit limit) { limits[static_cast<std::size_t>(limit)].Add(); }
};

/// Causes of a worker's end, as exported; every one exists from the start.
inline constexpr std::array<std::string_view, 16> kExitCauses{
    "exit_0", "exit_nonzero", "SIGKILL", "SIGTERM", "SIGSEGV", "SIGABRT", "SIGBUS",        "SIGILL",
    "SIGFPE", "SIGXCPU",      "SIGSYS",  "SIGTRAP", "SIGINT",  "stall",   "out_of_memory", "signal_other"};

/// The parent's counts.
struct PoolCounts {
  std::array<Counter, kExitCauses.size()> exits;
  std::array<Counter, kPhaseNames.size()>
      rescued;  ///< by phase: leases taken from a dead worker and carried on
  std::array<Counter, kPhaseNames.size()>
      lost;     ///< by phase: requests that got no answer and could have had one
  Counter cut;  ///< answers that broke off: bytes had left and the rest was gone
  Counter
      abandoned;   ///< requests answered by the handler's reply for "can be neither finished nor run again"
  Counter poison;  ///< requests stopped because they killed workers
  Counter unavailable;  ///< requests answered by the parent because no worker came in time
  Counter accepted;
  Counter accept_errors;
  Counter address_refused;             ///< connections reset as their address had enough already
  Counter idle_closed;                 ///< idle connections closed to make room for others
  Counter moved;                       ///< leases moved to another worker to even out the load
  DurationHistogram reap_seconds;      ///< death → reaped
  DurationHistogram respawn_seconds;   ///< reaped → replacement ready
  DurationHistogram recovery_seconds;  ///< death → the slot's first reply
  DurationHistogram dispatch_seconds;  ///< accepted → handed to a worker's channel
  std::atomic<std::uint32_t> open_leases{0};
  std::atomic<std::uint32_t> unassigned{0};          ///< open leases that no worker could be given yet
  std::atomic<std::uint32_t> processes{0};           ///< request processes (CGI) alive
  std::atomic<std::uint32_t> bodies{0};              ///< request bodies that are being made whole
  std::atomic<std::uint32_t> bodies_in_memory{0};    ///< of these and of those that programs read
  std::atomic<std::uint32_t> leaving{0};             ///< workers that have been replaced and are not gone yet
  std::atomic<std::uint32_t> listen_queue{0};        ///< connections that wait to be accepted
  std::atomic<std::uint32_t> listen_queue_limit{0};  ///< the kernel takes no more than that many
  std::atomic<sys::Nanos> started_at{0};
  sys::DroppedLines log_dropped;  ///< of the parent's and all workers' log; all of them write it
  sys::LogFileTurns log_turns;    ///< of the files that logs are; all of them write it
  std::atomic<std::uint32_t> processes_waited_for{0};  ///< requests in the line for a place (ProcessLine)
  /// The process that TERM is for: the supervisor, or the parent where there is none. 0: it does not serve.
  std::atomic<std::int32_t> main_process{0};
  std::atomic<std::int32_t> parent{0};  ///< the present parent's pid
  Counter parents;                      ///< that have served, the present one too
};

/// How the parent and the workers wake each other.
struct Doorbell {
  std::atomic<std::uint32_t> parent_sleeps{0};
  std::atomic<sys::Nanos> parent_woke{0};           ///< when it last did
  std::atomic<std::uint32_t> parent_wants_room{0};  ///< a lease waits because channels are full
  std::atomic<std::uint32_t> pool_drains{0};  ///< the whole pool is on its way out: close after each answer
};

class Scoreboard {
 public:
  /// With room for `leaving` workers beside their successors, and for `most` workers if that is more.
  explicit Scoreboard(std::size_t workers, std::size_t leaving = 0, std::size_t most = 0);
  /// The slots that have a worker, or have had one.
  [[nodiscard]] std::size_t workers() const { return shared_[0].workers.load(std::memory_order_relaxed); }
  /// There may be so many.
  [[nodiscard]] std::size_t most_workers() const { return slots_.size(); }
  /// As many slots as that are used from here on, at least.
  void Use(std::size_t workers);
  [[nodiscard]] WorkerSlot& slot(std::size_t worker) const { return slots_[worker]; }
  /// The present life of a slot.
  [[nodiscard]] WorkerLife& life_of(std::size_t worker) const { return lives_[slots_[worker].life]; }
  /// The fewest requests that one of the ready workers has in hand.
  [[nodiscard]] std::uint32_t FewestInHand() const;
  /// All lives, those of leaving workers too. A place that is free is kDead and busy with nothing.
  [[nodiscard]] std::span<WorkerLife> lives() const { return lives_.items().first(lives_.size() - 1); }
  /// WorkerSlot::life of a slot that has no worker: of a record that stays kDead.
  [[nodiscard]] std::uint32_t no_life() const { return static_cast<std::uint32_t>(lives_.size() - 1); }
  [[nodiscard]] PoolCounts& counts() const { return shared_[0].counts; }
  [[nodiscard]] VitalSigns& signs() const { return shared_[0].signs; }
  [[nodiscard]] Doorbell& bell() const { return shared_[0].bell; }
  [[nodiscard]] SiteParts& parts() const { return shared_[0].parts; }
  [[nodiscard]] Exemplars& exemplars() const { return shared_[0].exemplars; }

 private:
  struct Shared {
    alignas(64) Doorbell bell;
    alignas(64) PoolCounts counts;
    alignas(64) VitalSigns signs;
    SiteParts parts;
    Exemplars exemplars;
    std::atomic<std::size_t> workers{0};
  };
  sys::SharedArray<WorkerSlot> slots_;
  sys::SharedArray<WorkerLife> lives_;
  sys::SharedArray<Shared> shared_;
};

/// Which of kExitCauses an end counts as.
std::size_t ExitCause(int signal, int code);
/// The end of a worker that the watchdog has killed, and of one that the kernel killed for want of memory.
std::size_t StallCause();
std::size_t OutOfMemoryCause();

}  // namespace hydrapool
