#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "hydrapool/handler.h"
#include "pool/shared/body_budget.h"
#include "pool/shared/process_places.h"
#include "pool/sys/clock.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/shared_memory.h"
#include "pool/sys/socket_ledger.h"

namespace hydrapool {

/// Where a lease is in its life. The kernel keeps the bytes in all of them.
///
///   free → idle → reading → responding → idle … → closing → closed → free
///                    └→ executing (⇄ feeding, responding) → …
enum class Phase : std::uint8_t {
  kFree,       ///< no connection's
  kIdle,       ///< between requests: anyone who swaps it to kReading with the right generation may have it
  kReading,    ///< a worker looks at the bytes; nothing has been sent or consumed, so it can be done again
  kExecuting,  ///< a request was started that a process of its own answers, or that may be run again
  kExecutingOnce,  ///< a request was started that must not be run again; its bytes are consumed
  kFeeding,        ///< a step is on its way: consuming the request's body into its process
  kResponding,     ///< a step is on its way: sending, then consuming
  kClosing,        ///< the last byte is sent; the end is to be shut down and the peer's awaited
  kClosed,         ///< the worker is done with it; the parent may free it
};

/// The four names by which phases are reported: idle, reading, executing, responding (closing counts as
/// idle).
std::string_view PhaseName(Phase phase);
inline constexpr std::array<std::string_view, 4> kPhaseNames{"idle", "reading", "executing", "responding"};
std::size_t PhaseIndex(Phase phase);

/// The word that is the truth about a lease, small enough for one atomic store.
struct LeaseWord {
  std::uint32_t steps = 0;       ///< steps completed on this connection
  std::uint32_t generation = 0;  ///< 24 bits; changes whenever the parent lends the lease again
  Phase phase = Phase::kFree;
  /// It was lent again in the middle of a request, and nobody has taken it up yet: whoever swaps this away
  /// has it. (An idle lease is always there to be taken up.)
  bool offered = false;

  bool operator==(const LeaseWord&) const = default;

  static constexpr std::uint32_t kGenerationMask = 0xffffff;
  static constexpr std::uint8_t kOfferedBit = 0x80;
  [[nodiscard]] std::uint64_t Pack() const {
    return std::uint64_t{steps} << 32 | std::uint64_t{generation & kGenerationMask} << 8 |
           static_cast<std::uint8_t>(static_cast<std::uint8_t>(phase) | (offered ? kOfferedBit : 0));
  }
  static LeaseWord Unpack(std::uint64_t word) {
    return {static_cast<std::uint32_t>(word >> 32), static_cast<std::uint32_t>(word >> 8) & kGenerationMask,
            static_cast<Phase>(word & 0x7f), (word & kOfferedBit) != 0};
  }
};

/// One change of a connection: send `send` bytes and consume `consume` bytes, counted from where the step
/// before ended.
struct LeaseStep {
  std::uint64_t sent_base = 0;
  std::uint64_t consumed_base = 0;
  std::uint32_t send = 0;
  std::uint32_t consume = 0;
};

/// What a step arrives at, and where its bytes are.
struct StepEnd {
  Phase next = Phase::kIdle;
  /// The bytes to send lie in the lease's slab (and `spliced` of them in its process's output).
  bool in_slab : 1 = false;
  bool once : 1 = false;      ///< its request must not run again
  bool interim : 1 = false;   ///< what it sends is no part of the answer
  bool begun : 1 = false;     ///< with it or a step before it, a part of its request's answer is sent
  std::uint8_t kind : 3 = 0;  ///< of the replies that the step completes, for the counters
  std::uint8_t requests = 0;  ///< how many it completes
};

/// A lease: one client's connection, lent to one worker. Lies in shared memory.
///
/// `word` is the truth: the worker that swaps it from kIdle to kReading with the right generation (or swaps
/// `offered` away) owns the connection until it stores kIdle or kClosed. The parent may take an idle or
/// offered lease from anyone, any other only from a worker that is dead. The owner writes a step into the
/// bank that the word's step count does not name, and only then stores the word: so a death between any two
/// stores leaves one whole step (process_pool.h tells what happens then). Readers in other processes may see
/// a word a moment old, never a torn one.
///
/// Not promised: how many bytes left the socket. Ask the kernel (sys/tcp_counters.h).
struct alignas(64) Lease {
  std::atomic<std::uint64_t> word{0};
  std::array<LeaseStep, 2> step{};  ///< step[steps & 1] is the next or current one, the other the one before
  std::array<StepEnd, 2> end{};
  Excuse excuse = Excuse::kNone;

  [[nodiscard]] LeaseWord Load() const { return LeaseWord::Unpack(word.load(std::memory_order_acquire)); }
  void Store(LeaseWord w) {
    HYDRAPOOL_STORE_POINT("lease.store", &word);
    word.store(w.Pack(), std::memory_order_release);
  }
  bool Swap(LeaseWord from, LeaseWord to) {
    HYDRAPOOL_STORE_POINT("lease.swap", &word);
    std::uint64_t expected = from.Pack();
    return word.compare_exchange_strong(expected, to.Pack(), std::memory_order_acq_rel);
  }
  /// The step on its way, in a phase that has one.
  [[nodiscard]] const LeaseStep& Current() const { return step[Load().steps & 1]; }
  /// Takes an offered lease up.
  bool TakeUp(LeaseWord seen) {
    LeaseWord mine = seen;
    mine.offered = false;
    return seen.offered && Swap(seen, mine);
  }
  /// Where the step that comes next begins: the last one's base plus its length, never a sum kept apart. Both
  /// banks are zero on a new connection; so the count of steps may wrap.
  [[nodiscard]] LeaseStep NextBase(std::uint32_t steps) const {
    const LeaseStep& before = step[(steps + 1) & 1];
    return {before.sent_base + before.send, before.consumed_base + before.consume, 0, 0};
  }
};
static_assert(sizeof(Lease) == 64);

/// The process that answers a lease's request, as its worker, the process itself before its exec, and the
/// parent see it.
struct ProcessWord {
  enum class State : std::uint8_t {
    kNone,
    kPreparing,  ///< a worker is about to start it; it must swap to kRunning before it may exec
    kRunning,    ///< it has passed the gate and will run whatever becomes of its worker
    kFailed,     ///< exec was refused; `value` is the errno
    kEnded,      ///< reaped by the parent; `value` is its exit code, or 256 + the signal that killed it
    kLeft,       ///< the request goes on, or is over, without it; the parent is about to be told
  };
  State state = State::kNone;
  std::int32_t value = 0;  ///< kRunning, kLeft: its pid

  /// One that answers the request, or did.
  [[nodiscard]] bool answers() const {
    return state == State::kRunning || state == State::kFailed || state == State::kEnded;
  }

  [[nodiscard]] std::uint64_t Pack() const {
    return std::uint64_t{static_cast<std::uint32_t>(value)} << 8 | static_cast<std::uint8_t>(state);
  }
  static ProcessWord Unpack(std::uint64_t word) {
    return {static_cast<State>(word & 0xff), static_cast<std::int32_t>(word >> 8)};
  }
};

/// The part of a lease that plain replies hardly touch: where a step's spliced bytes stand, the process, the
/// deadline.
struct alignas(64) LeaseDetail {
  /// Absolute; 0: none.
  std::atomic<sys::Nanos> deadline{0};
  /// The deadline is that of a request's head: more bytes do not extend it.
  std::atomic<bool> head_begun{false};
  std::atomic<std::uint64_t> process{0};
  /// The deadline is that of the step on its way, for which the client has no room.
  std::atomic<bool> stalled{false};
  /// The process and its group are to be ended with the request.
  std::atomic<bool> terminate{false};
  /// A request was answered on this connection.
  std::atomic<bool> answered{false};
  /// More than the first page of its slab was written since it was last trimmed.
  std::atomic<bool> slab_grown{false};
  /// Within a step's bytes: where those from the process's output begin, and how many they are.
  std::array<std::uint32_t, 2> splice_at{};
  std::array<std::uint32_t, 2> spliced{};
  /// The request whose notes `handler` holds: the number of its first byte on the connection, from 1; 0:
  /// none. They count as zeroes for every other request.
  std::atomic<std::uint64_t> notes_of{0};
  /// The handler's own notes about its request; zeroed with the lease.
  alignas(16) std::array<std::byte, 192> handler{};
  /// The same about the connection: kept over its requests, zeroed with the lease.
  alignas(16) std::array<std::byte, 64> connection{};
  /// Its bytes are counted in its ledger, for the kernel does not.
  std::atomic<bool> keeps_ledger{false};
  /// Another worker can go on with the request from the handler's notes, also where no process answers it.
  std::atomic<bool> resumable{false};
  /// The handler has had its chance to speak first.
  std::atomic<bool> greeted{false};

  [[nodiscard]] ProcessWord LoadProcess() const {
    return ProcessWord::Unpack(process.load(std::memory_order_acquire));
  }
};

/// All leases of a pool, and for each a slab of shared memory in which its answer lies until it is sent.
/// Untouched slabs cost nothing.
class LeaseTable {
 public:
  static constexpr std::size_t kSlab = 64 * 1024;

  explicit LeaseTable(std::size_t capacity);
  [[nodiscard]] std::size_t size() const { return leases_.size(); }
  [[nodiscard]] Lease& lease(std::size_t slot) const { return leases_[slot]; }
  [[nodiscard]] LeaseDetail& detail(std::size_t slot) const { return details_[slot]; }
  [[nodiscard]] std::span<char> slab(std::size_t slot) const;
  /// Of a lease that keeps one.
  [[nodiscard]] sys::SocketLedger& ledger(std::size_t slot) const { return ledgers_[slot]; }
  [[nodiscard]] const ProcessPlaces& places() const { return places_; }
  [[nodiscard]] const BodyBudget& bodies() const { return bodies_; }
  static constexpr std::size_t kSlabPage = 4096;
  /// Gives a slab's pages but the first back to the system, if they were written (LeaseDetail::slab_grown).
  /// Only for whom the lease is.
  void TrimSlab(std::size_t slot) const;

 private:
  sys::SharedArray<Lease> leases_;
  sys::SharedArray<LeaseDetail> details_;
  sys::SharedArray<sys::SocketLedger> ledgers_;
  sys::SharedMemory slabs_;
  ProcessPlaces places_;
  BodyBudget bodies_;
};

}  // namespace hydrapool
