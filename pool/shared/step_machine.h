#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>

#include "pool/shared/lease.h"
#include "pool/sys/failpoint.h"

namespace hydrapool {

/// What one step is to do.
struct StepPlan {
  std::uint32_t send = 0;       ///< bytes to the client
  std::uint32_t consume = 0;    ///< then bytes of the request to take away
  std::uint32_t splice_at = 0;  ///< within `send`: where `spliced` bytes of the process's output stand.
                                ///< Feeding: so many bytes are dropped before the rest goes to the process
  std::uint32_t spliced = 0;
  std::uint64_t file_at = 0;  ///< with StepEnd::from_file: where they begin in the request's file
  StepEnd end{};
  const char* bytes = nullptr;  ///< the bytes to send that are not spliced
};

/// Carries one connection from step to step: note → send → consume → commit, as lease_table.h describes.
///
/// The order of its stores is the promise of this project: at whatever instruction the machine is stopped for
/// good, the lease and the kernel's counters tell DecideRescue exactly what has happened, and a second
/// machine finishes it. step_machine_test.cc drives this class through a death at every call of its seam.
///
/// `Io` is that seam, the only way to the world:
///
///     ssize_t Send(const char* bytes, std::size_t size, bool more);  to the client
///     ssize_t Splice(std::size_t size, bool more);   from the process's output to the client
///     ssize_t SendFile(std::uint64_t at, std::size_t size);  from the request's file to the client
///     ssize_t Feed(std::size_t size);                from the client to the process, or away once it is deaf
///     ssize_t Discard(std::size_t size);             of what the client has sent
///     void Store(T& place, const T& value);          into shared memory; also for std::atomic<T>& places
///     void Through();                                a request's last step is done, but for its commit
///     Nanos Now();
///
/// The first five move at least one byte and return how many, or 0 at the end, or -errno; none waits.
///
/// Threads: one. The lease must be this worker's from Claim or Resume on until GoIdle, a step that leads to
/// kIdle, or Close. Not promised: anything about a lease whose word another process stores meanwhile.
template <typename Io>
class StepMachine {
 public:
  enum class Progress : std::uint8_t {
    kDone,     ///< committed
    kBlocked,  ///< no room or no bytes now: Continue when there are
    kPaused,   ///< so much was moved that it is another connection's turn: Continue soon
    kShort,    ///< the process's output, or the file, ended before what the step was to send of it
    kBroken,   ///< the connection is gone
  };
  StepMachine(Lease& lease, LeaseDetail& detail, std::uint32_t generation, Io& io, Nanos write_timeout)
      : lease_(lease), detail_(detail), generation_(generation), io_(io), write_timeout_(write_timeout) {}

  /// Takes an idle lease up; false: it is not idle, or no longer lent under this generation.
  bool Claim() {
    const LeaseWord word = lease_.Load();
    if (word.generation != generation_ || word.phase != Phase::kIdle) return false;
    LeaseWord mine = word;
    mine.phase = Phase::kReading;
    if (!lease_.Swap(word, mine)) return false;
    steps_ = word.steps;
    return true;
  }

  /// Goes on with a lease that another worker has left in a step, which came so far by the kernel's counters.
  void Resume(std::uint32_t sent, std::uint32_t consumed, const char* bytes) {
    steps_ = lease_.Load().steps;
    sent_ = sent;
    consumed_ = consumed;
    bytes_ = bytes;
  }

  // Between steps: from one phase to another, no byte moved.
  void GoIdle() { StoreWord(Phase::kIdle); }
  void Execute() { StoreWord(Phase::kExecuting); }
  /// It must not.
  [[nodiscard]] bool once() const { return once_; }
  /// From here on the request must not run again. Its bytes may be taken away before it is answered.
  void ExecuteOnce() {
    once_ = true;
    StoreWord(Phase::kExecutingOnce);
  }
  void BeginClosing() { StoreWord(Phase::kClosing); }
  void Close() { StoreWord(Phase::kClosed); }
  void EndRequest() { once_ = false; }

  /// Notes a step that sends; Continue carries it out.
  void Begin(const StepPlan& plan) { Note(Phase::kResponding, plan); }
  /// Notes a step that moves request bytes to the process; ContinueFeeding carries it out.
  void BeginFeeding(const StepPlan& plan) { Note(Phase::kFeeding, plan); }

  Progress Continue(Nanos idle_until) {
    for (std::uint32_t moved = 0; sent_ < step().send;) {
      if (moved >= kTurn) return Progress::kPaused;
      const ssize_t count = SendPiece();
      if (count == -EINTR) continue;
      if (count == -EAGAIN) return Block();
      if (count == 0) return Progress::kShort;
      if (count < 0) return Progress::kBroken;
      sent_ += static_cast<std::uint32_t>(count);
      moved += static_cast<std::uint32_t>(count);
    }
    HYDRAPOOL_FAILPOINT("worker.sent");
    while (consumed_ < step().consume) {
      const ssize_t count = io_.Discard(step().consume - consumed_);
      if (count == -EINTR) continue;
      if (count <= 0) break;  // the client is gone: whoever looks next will see it
      consumed_ += static_cast<std::uint32_t>(count);
    }
    HYDRAPOOL_FAILPOINT("worker.consumed");
    if (step_end().requests > 0) io_.Through();
    Commit(idle_until);
    return Progress::kDone;
  }

  Progress ContinueFeeding() {
    for (std::uint32_t moved = 0; consumed_ < step().consume;) {
      if (moved >= kTurn) return Progress::kPaused;
      const std::uint32_t discard = detail_.splice_at[steps_ & 1];
      const ssize_t count =
          consumed_ < discard ? io_.Discard(discard - consumed_) : io_.Feed(step().consume - consumed_);
      if (count == -EINTR) continue;
      if (count == -EAGAIN) {
        HYDRAPOOL_FAILPOINT("worker.partly_fed");
        return Progress::kBlocked;
      }
      if (count <= 0) return Progress::kBroken;
      consumed_ += static_cast<std::uint32_t>(count);
      moved += static_cast<std::uint32_t>(count);
    }
    HYDRAPOOL_FAILPOINT("worker.fed");
    Commit(0);
    return Progress::kDone;
  }

  /// Ends a feeding step at the byte it has come to; returns how many bytes of it have been moved.
  std::uint32_t StopFeeding() {
    const std::uint32_t taken = consumed_;
    io_.Store(step().consume, taken);
    Commit(0);
    return taken;
  }

  /// Takes request bytes away that have been looked at, as a step of its own; only after ExecuteOnce. Returns
  /// how many were there.
  std::uint32_t Consume(std::uint32_t count) {
    BeginFeeding({.consume = count, .splice_at = count, .end = {.next = Phase::kExecuting}});
    while (consumed_ < count) {
      const ssize_t some = io_.Discard(count - consumed_);
      if (some == -EINTR) continue;
      if (some <= 0) break;
      consumed_ += static_cast<std::uint32_t>(some);
    }
    HYDRAPOOL_FAILPOINT("worker.taken");
    return StopFeeding();
  }

  /// Where the step that was committed last led, and what it completed. A copy: after a commit to kIdle the
  /// lease is no longer ours to read.
  [[nodiscard]] const StepEnd& done() const { return done_; }
  [[nodiscard]] std::uint64_t total_sent() const { return lease_.NextBase(steps_).sent_base; }
  /// And of the step on its way, what has been moved.
  [[nodiscard]] std::uint64_t sent_so_far() const { return total_sent() + sent_; }
  [[nodiscard]] std::uint64_t total_consumed() const { return lease_.NextBase(steps_).consumed_base; }

 private:
  static constexpr std::uint32_t kTurn = 1 << 20;  // what one call of Continue moves at most

  LeaseStep& step() const { return lease_.step[steps_ & 1]; }
  StepEnd& step_end() const { return lease_.end[steps_ & 1]; }

  void StoreWord(Phase phase) {
    io_.Store(lease_.word, LeaseWord{steps_, generation_, phase}.Pack());
    std::atomic_signal_fence(std::memory_order_seq_cst);  // the next step's note must not come before it
  }

  // All of the note first, then the word that makes it true.
  void Note(Phase during, const StepPlan& plan) {
    LeaseStep noted = lease_.NextBase(steps_);
    noted.send = plan.send;
    noted.consume = plan.consume;
    const StepEnd& before = lease_.end[(steps_ + 1) & 1];
    StepEnd end = plan.end;
    end.once = once_;
    end.begun = (noted.send > 0 && !end.interim) || (before.next == Phase::kExecuting && before.begun);
    io_.Store(step(), noted);
    io_.Store(step_end(), end);
    io_.Store(detail_.stalled, false);
    io_.Store(detail_.slab_written, true);
    if (noted.send > kSlabPage) io_.Store(detail_.slab_grown, true);
    if (end.in_slab || during == Phase::kFeeding) {
      io_.Store(detail_.splice_at[steps_ & 1], plan.splice_at);
      io_.Store(detail_.spliced[steps_ & 1], plan.spliced);
      if (end.from_file) io_.Store(detail_.file_at[steps_ & 1], plan.file_at);
    }
    sent_ = 0;
    consumed_ = 0;
    bytes_ = plan.bytes;
    HYDRAPOOL_FAILPOINT("worker.noted");
    StoreWord(during);
    HYDRAPOOL_FAILPOINT("worker.responding");
  }

  ssize_t SendPiece() {
    const std::uint32_t send = step().send;
    const bool in_slab = step_end().in_slab;
    const std::uint32_t splice_at = in_slab ? detail_.splice_at[steps_ & 1] : send;
    const std::uint32_t spliced = in_slab ? detail_.spliced[steps_ & 1] : 0;
    const bool within = sent_ >= splice_at && sent_ < splice_at + spliced;
    if (within && step_end().from_file)
      return io_.SendFile(detail_.file_at[steps_ & 1] + (sent_ - splice_at), splice_at + spliced - sent_);
    if (within) return io_.Splice(splice_at + spliced - sent_, splice_at + spliced < send);
    const bool before = sent_ < splice_at;
    const std::uint32_t stop = before ? splice_at : send;
    const bool more = stop < send || step_end().next == Phase::kClosing;
    return io_.Send(bytes_ + sent_ - (before ? 0 : spliced), stop - sent_, more);
  }

  Progress Block() {
    if (!detail_.stalled.load(std::memory_order_relaxed)) {
      // For the whole step, whoever carries it: a client that trickles is not served for ever.
      const auto pieces = static_cast<Nanos>(1 + step().send / kSlab);
      io_.Store(detail_.deadline, io_.Now() + write_timeout_ * pieces);
      io_.Store(detail_.stalled, true);
    }
    HYDRAPOOL_FAILPOINT("worker.partly_sent");
    // An edge that comes while this waits is not seen as one for the next request: look again afterwards.
    if (step_end().next == Phase::kIdle) {
      StepEnd end = step_end();
      end.next = Phase::kReading;
      io_.Store(step_end(), end);
    }
    return Progress::kBlocked;
  }

  // The one store that makes the step done.
  void Commit(Nanos idle_until) {
    done_ = step_end();
    if (done_.requests > 0) {
      io_.Store(detail_.head_begun, false);
      io_.Store(detail_.answered, true);
    }
    if (done_.next == Phase::kIdle) io_.Store(detail_.deadline, idle_until);
    ++steps_;
    StoreWord(done_.next);
    HYDRAPOOL_FAILPOINT("worker.committed");
    sent_ = 0;
    consumed_ = 0;
    bytes_ = nullptr;
  }

  Lease& lease_;
  LeaseDetail& detail_;
  const std::uint32_t generation_;
  Io& io_;
  const Nanos write_timeout_;
  std::uint32_t steps_ = 0;
  std::uint32_t sent_ = 0;
  std::uint32_t consumed_ = 0;
  const char* bytes_ = nullptr;
  bool once_ = false;
  StepEnd done_{};
};

}  // namespace hydrapool
