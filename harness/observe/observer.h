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
struct Heads;

/// Watches a server from outside while it runs: its processes in /proc every 2 ms, and, where it has an admin
/// endpoint, /status.json every 5 ms. The processes are the children of the main one, and those of the parent
/// that the endpoint names, as far as worker_kind.h calls them workers by what they became, or they run the
/// program under its own title. A main process that another takes the place of is followed. A poll that takes
/// longer than its period delays the next. The first look at the children is over when it is constructed, and
/// a last one follows the call to Stop. Two threads of its own, with all signals blocked; start no process
/// while they run. On two busy cores it costs about a tenth of one.
///
///     Observer observer(main, admin);
///     …
///     const auto seen = observer.Stop();
class Observer {
 public:
  struct Seen {
    std::vector<FamilySample> family = {};  ///< Only those that differ from the one before.
    std::vector<StatusSample> status = {};
  };

  /// `admin` may be empty.
  Observer(pid_t main, std::string admin);
  /// Ends the watching. Once.
  Seen Stop();

 private:
  Seen seen_;
  std::shared_ptr<ChildKinds> kinds_;
  std::shared_ptr<Heads> heads_;
  std::jthread family_;  // each thread writes its own part of seen_
  std::jthread status_;
};

}  // namespace hydrapool::harness
