#pragma once

#include <atomic>
#include <cstdint>

#include "loadgen/journal.h"
#include "loadgen/plan.h"
#include "loadgen/tally.h"

namespace loadgen {

/// What another thread may see of a running one, a moment old. Each has a cache line of its own.
struct alignas(64) LiveCounts {
  std::atomic<std::uint64_t> sent = 0;
  std::atomic<std::uint64_t> ok = 0;
  std::atomic<std::uint64_t> completed = 0;
  std::atomic<std::uint64_t> failed = 0;
};

/// Where an engine reports each request: when it is sent, and how it ended. Exactly one of Finished and
/// InFlightAtEnd follows each Sent.
///
/// Belongs to one thread, but for `live`. `plan` and `journal` must outlive it.
class Recorder {
 public:
  /// What is sent more than 10 ms after `planned_end` is late for the schedule as a whole; so much is
  /// forgiven because one late wake-up at the end of a short run is no failure to keep a rate. `journal` may
  /// be null.
  Recorder(const Plan& plan, sys::Nanos start, sys::Nanos planned_end, const Journal* journal)
      : plan_(plan), start_(start), planned_end_(planned_end), journal_(journal) {}

  void Sent(const Attempt& attempt);
  void Finished(const Attempt& attempt, const Result& result);
  /// `local_port` is 0 where there was no connection yet.
  void InFlightAtEnd(const Attempt& attempt, sys::Nanos now, int local_port);

  [[nodiscard]] const Tally& tally() const { return tally_; }
  [[nodiscard]] const LiveCounts& live() const { return live_; }

 private:
  [[nodiscard]] std::string Url(const Attempt& attempt) const;

  const Plan& plan_;
  sys::Nanos start_;
  sys::Nanos planned_end_;
  const Journal* journal_;
  Tally tally_;
  LiveCounts live_;
};

}  // namespace loadgen
