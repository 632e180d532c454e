#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "harness/fault/pool_status.h"
#include "harness/observe/look_plan.h"
#include "harness/observe/pool_watch.h"
#include "harness/observe/timeline.h"
#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

/// Whether all that follows from a fault has come, as /status.json tells. Pure.
class Recovery {
 public:
  void Look(const PoolStatus& status);
  /// What comes from now on follows from a stir.
  void Stir() { renewed_ = false; }
  /// A worker has come since.
  [[nodiscard]] bool renewed() const { return renewed_; }
  /// By the last look each worker is there and ready.
  [[nodiscard]] bool all_ready() const { return ready_; }
  /// And has answered since it was first seen.
  [[nodiscard]] bool complete() const { return ready_ && answered_; }
  /// It is not waited for more workers than these.
  void Settle(const PoolStatus& status) { workers_ = status.workers.size(); }

 private:
  struct First {
    std::uint64_t incarnation = 0;
    std::uint64_t requests = 0;
  };
  std::map<int, First> first_;
  std::size_t workers_ = 0;
  bool ready_ = false;
  bool answered_ = false;
  bool renewed_ = false;
};

/// Looks at a pool's /status.json, whoever asks for them, and when the next one is due.
///
///     StatusWatch watch(admin, pace);
///     watch.Stir(StatusWatch::Stirred::kByWorkersEnd);
///     … at watch.Due(): watch.Look() …
///     const auto samples = watch.TakeSamples();
///
/// Any thread.
class StatusWatch {
 public:
  struct Pace {
    sys::Nanos status = 0;   ///< Until each worker is ready.
    sys::Nanos answers = 0;  ///< Until each has answered.
    sys::Nanos told = 0;     ///< Both, after the end of a worker where the pool tells when they were.
    sys::Nanos calm = 0;
  };
  enum class Stirred { kByWorkersEnd, kElse };
  struct Seen {
    PoolStatus status = {};
    bool calm = false;  ///< Each worker is there and ready, or that is not waited for any longer.
  };

  StatusWatch(std::string admin, const Pace& pace);

  /// True: who waits for Due() is to look again when that is.
  bool Stir(Stirred by);
  /// Asks now.
  [[nodiscard]] sys::Result<Seen> Look(std::chrono::milliseconds patience = kPatience);
  [[nodiscard]] sys::Nanos Due() const;
  /// In the order of their times. What was asked for before the newest of them came is none: it may be older.
  [[nodiscard]] std::vector<StatusSample> TakeSamples();

 private:
  [[nodiscard]] bool Take(const sys::Result<PoolStatus>& status, sys::Nanos begun);

  const std::string admin_;
  const Pace pace_;
  mutable std::mutex mutex_;
  LookPlan plan_;
  Recovery recovery_;
  std::vector<StatusSample> samples_;
  sys::Nanos looked_ = 0;   ///< When the newest look was begun.
  sys::Nanos stirred_ = 0;  ///< For the first time since then; 0: not.
  bool closely_ = false;    ///< What the pool tells itself is not enough.
  bool tells_ages_ = false;
};

}  // namespace hydrapool::harness
