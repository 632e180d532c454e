#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "harness/observe/timeline.h"
#include "pool/sys/clock.h"

namespace hydrapool::harness {

inline constexpr sys::Nanos kFamilyPeriod = 2 * sys::kMillisecond;
inline constexpr sys::Nanos kStatusPeriod = 5 * sys::kMillisecond;

class ChildKinds;

/// Watches a server from outside while it runs: its workers in /proc every 2 ms (of its children those that
/// worker_kind.h calls so, by what they became), and, where it has an admin
/// endpoint, /status.json every 5 ms; a poll that takes longer than its period delays the next. The first
/// look at the children is over when it is constructed, and a last one follows the call to Stop. Two threads
/// of its own, with all signals blocked; start no process while they run. On two busy cores it costs about a
/// tenth of one.
///
///     Observer observer(parent, admin);
///     …
///     const auto seen = observer.Stop();
class Observer {
 public:
  struct Seen {
    std::vector<FamilySample> family = {};  ///< Only those that differ from the one before.
    std::vector<StatusSample> status = {};
  };

  /// `admin` may be empty.
  Observer(pid_t parent, std::string admin);
  /// Ends the watching. Once.
  Seen Stop();

 private:
  Seen seen_;
  std::shared_ptr<ChildKinds> kinds_;
  std::jthread family_;  // each thread writes its own part of seen_
  std::jthread status_;
};

}  // namespace hydrapool::harness
