#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "pool/shared/lease_word.h"

namespace hydrapool {
struct Lease;
class LeaseTable;
}  // namespace hydrapool

namespace hydrapool::simulation {

class World;
class TcpConnection;

/// Faults of the field, put back one at a time: the simulation must find each of them.
enum class Fault : std::uint8_t {
  kNone,
  // ---- the order of a worker's stores
  kWordBeforeNote,    ///< the word that says responding comes before the step's note
  kSentBaseDropped,   ///< a step is noted without the bytes sent before it
  kTakenBaseDropped,  ///< without the bytes taken before it
  kBaseAtZero,        ///< the bases begin again where the count of steps wraps
  kConsumeFirst,      ///< the request is taken away before its answer is sent
  kCommitBeforeSend,  ///< a step is committed before it is carried out
  // ---- what the kernel is asked
  kBytesTried,   ///< sent = bytes_sent - bytes_retrans + notsent: failed transmissions count twice
  kOneRead,      ///< the counters are read once, though an acknowledgement may come in between
  kPeersEnd,     ///< the peer's FIN counts as a byte of its request
  kCountedLate,  ///< what moves over a UNIX socket is counted by the worker, when the call has returned
  // ---- what the parent does
  kPlainSwap,       ///< every compare-and-swap of a lease's word is a plain store
  kPlainEnd,        ///< a process's end overwrites the word of the next one
  kPlainGate,       ///< a gate is closed after its process has passed
  kPlainPlace,      ///< a place is claimed by a plain store
  kPlainTake,       ///< an idle lease is taken by a plain store, where a worker may just have claimed it
  kOldGeneration,   ///< a lease that is taken keeps its generation, and its old worker may claim it
  kLastGeneration,  ///< a lease's generation stays at the last one instead of coming round
  kForgottenLease,  ///< the lease of a closed connection is not freed
  kRunsAgain,       ///< what must not run twice is rescued like anything else
  kAnswerTwice,     ///< a step is finished though the rest of its answer is gone
  kReplayedStep,    ///< a step is begun again from its first byte
  // ---- what the next parent does
  kForgottenNewcomer,  ///< who was accepted and not noted is not let in
  kForgottenBook,      ///< the leases of the parent before count as free
  // ---- time
  kDeadlineAtSweep,  ///< deadlines and room for a long request need a worker that lives for a sweep
};

inline constexpr Fault kLastFault = Fault::kDeadlineAtSweep;
std::string_view FaultName(Fault fault);

/// The planted fault, and what it must remember. It acts where the shipped code passes its points and makes
/// its calls; fault_calls.cc has those that are calls of the pool itself.
class Faults {
 public:
  Faults(World& world, Fault planted) : world_(world), planted_(planted) {}

  [[nodiscard]] bool Is(Fault fault) const { return planted_ == fault; }
  void FoundTable(const LeaseTable& table) { table_ = &table; }
  [[nodiscard]] Lease* LeaseAt(const void* place) const;
  [[nodiscard]] Lease* LeaseOf(std::uint32_t slot) const;

  /// The running process passes a failpoint.
  void AtFailpoint(std::string_view name);
  /// It is about to store or to swap; `others` lets others come in between.
  template <typename Others>
  void AtStorePoint(std::string_view name, const void* place, Others&& others);
  /// It is about to send.
  void BeforeSend(TcpConnection& connection);
  /// It takes at most `size` bytes away: how many of them are gone already.
  std::size_t TakenBefore(std::size_t size);

 private:
  /// A step that a worker is noting, and what stood in its place.
  struct Noting {
    Lease* lease = nullptr;
    std::size_t bank = 0;
    LeaseStep step;
    StepEnd end;
    std::size_t consume_first = 0;
    std::size_t consumed_first = 0;
  };
  [[nodiscard]] bool IsPlain(std::string_view name) const;
  void RememberNote(const void* place);
  void OnNoted(Noting& noting);
  void OnResponding(Noting& noting);

  World& world_;
  const Fault planted_;
  const LeaseTable* table_ = nullptr;
  std::map<int, Noting> noting_;  // by pid
};

// A swap that always succeeds is a plain store: what others have stored in between is taken back.
template <typename Others>
void Faults::AtStorePoint(std::string_view name, const void* place, Others&& others) {
  if (!IsPlain(name)) {
    others();
  } else if (Is(Fault::kPlainPlace)) {
    auto& word = *static_cast<std::atomic<std::uint32_t>*>(const_cast<void*>(place));
    const std::uint32_t before = word.load();
    others();
    word.store(before);
  } else {
    auto& word = *static_cast<std::atomic<std::uint64_t>*>(const_cast<void*>(place));
    const std::uint64_t before = word.load();
    others();
    word.store(before);
  }
  RememberNote(place);
}

}  // namespace hydrapool::simulation
