#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "hydrapool/excuse.h"
#include "pool/shared/lease_word.h"
#include "pool/shared/process_word.h"
#include "pool/sys/clock.h"
#include "pool/sys/failpoint.h"

namespace hydrapool {

/// A lease: one client's connection, lent to one worker. Lies in shared memory.
///
/// `word` is the truth: the worker that swaps it from kIdle to kReading with the right generation (or swaps
/// `offered` away) owns the connection until it stores kIdle or kClosed. The parent may take an idle or
/// offered lease from anyone, any other only from a worker that is dead. The owner writes a step into the
/// bank that the word's step count does not name, and only then stores the word: so a death between any two
/// stores leaves one whole step (process_pool.h tells what happens then). Readers in other processes may see
/// a word a moment old, never a torn one.
///
/// Not promised: how many bytes left the socket. Ask the kernel (sys/tcp_counters.h). And that a generation
/// never returns: it comes round when one slot was lent 2^24 times. A worker that does not run for so long
/// (many minutes, with the watchdog switched off) could then take another connection for its own.
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

/// How much shared memory each lease has for the bytes of an answer (LeaseTable::slab).
inline constexpr std::size_t kSlab = std::size_t{64} * 1024;
inline constexpr std::size_t kSlabPage = 4096;
/// And for what is to be said of its request (LeaseTable::docket).
inline constexpr std::size_t kDocketBytes = 2048;

/// The part of a lease that no decision about whose it is depends on: where a step's spliced bytes stand, the
/// process, the deadline. A plain reply touches the first line of the cache only.
struct alignas(64) LeaseDetail {
  /// Absolute; 0: none.
  std::atomic<sys::Nanos> deadline{0};
  /// The deadline is that of a request's head: more bytes do not extend it.
  std::atomic<bool> head_begun{false};
  /// The deadline is that of the step on its way, for which the client has no room.
  std::atomic<bool> stalled{false};
  /// A request was answered on this connection.
  std::atomic<bool> answered{false};
  /// The handler has had its chance to speak first.
  std::atomic<bool> greeted{false};
  /// The part of the site that the request in hand belongs to, for the counters; written before its steps
  /// are.
  std::atomic<std::uint8_t> part{0};
  /// Its bytes are counted in its ledger, for the kernel does not.
  std::atomic<bool> keeps_ledger{false};
  /// Its slab was written since it was last trimmed, and more than the first page of it.
  std::atomic<bool> slab_written{false};
  std::atomic<bool> slab_grown{false};
  /// Within a step's bytes: where those from the process's output begin, and how many they are.
  std::array<std::uint32_t, 2> splice_at{};
  std::array<std::uint32_t, 2> spliced{};
  /// The request whose notes `handler` holds: the number of its first byte on the connection, from 1; 0:
  /// none. They count as zeroes for every other request.
  std::atomic<std::uint64_t> notes_of{0};
  /// When the request in execution was begun, by whichever worker; 0: none is in execution.
  std::atomic<sys::Nanos> begun_at{0};
  /// The request that LeaseTable::docket tells of and that is not answered yet: as notes_of. 0: none.
  std::atomic<std::uint64_t> docket_of{0};
  /// How many were answered; those of a step whose worker died over its last byte may count twice.
  std::atomic<std::uint32_t> requests{0};
  /// The process and its group are to be ended with the request.
  std::atomic<bool> terminate{false};
  /// Another worker can go on with the request from the handler's notes, also where no process answers it.
  std::atomic<bool> resumable{false};

  std::atomic<std::uint64_t> process{0};
  /// Where a step's spliced bytes begin in the request's file (StepEnd::from_file).
  std::array<std::uint64_t, 2> file_at{};
  /// The request that a busy worker gave back so that another executes it: as notes_of. It is not given back
  /// again. 0: none.
  std::atomic<std::uint64_t> passed_on{0};
  std::atomic<Nanos> first_look{0};  ///< when its first worker looked at that request
  /// The last process that passed the gate for it: a local redirect has two of them.
  std::atomic<pid_t> last_process{0};
  /// The handler's own notes about its request; zeroed with the lease.
  alignas(16) std::array<std::byte, 192> handler{};
  /// The same about the connection: kept over its requests, zeroed with the lease.
  alignas(16) std::array<std::byte, 64> connection{};

  /// For a new connection, before its lease's word is stored: a worker that sees the new word sees all of
  /// this.
  void Clear(bool with_ledger) {
    constexpr auto kRelaxed = std::memory_order_relaxed;
    for (auto* flag : {&head_begun, &stalled, &terminate, &answered, &resumable, &greeted})
      flag->store(false, kRelaxed);
    keeps_ledger.store(with_ledger, kRelaxed);
    requests.store(0, kRelaxed);
    deadline.store(0, kRelaxed);
    process.store(0, kRelaxed);
    notes_of.store(0, kRelaxed);
    docket_of.store(0, kRelaxed);
    passed_on.store(0, kRelaxed);
    first_look.store(0, kRelaxed);
    last_process.store(0, kRelaxed);
    handler = {};
    connection = {};
  }
  [[nodiscard]] ProcessWord LoadProcess() const {
    return ProcessWord::Unpack(process.load(std::memory_order_acquire));
  }
};
static_assert(offsetof(LeaseDetail, process) == 64);

}  // namespace hydrapool
