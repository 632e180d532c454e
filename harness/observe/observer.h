#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "harness/fault/targets.h"
#include "harness/observe/timeline.h"
#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

/// How often it is looked, in close sequence and while all is well.
struct ObserverPace {
  sys::Nanos family = 2 * sys::kMillisecond;
  sys::Nanos status = 5 * sys::kMillisecond;
  sys::Nanos answers = 10 * sys::kMillisecond;  ///< Of the status, where only a first answer is awaited.
  sys::Nanos told = 50 * sys::kMillisecond;     ///< Of the status, where it tells itself when things were.
  sys::Nanos calm_family = 50 * sys::kMillisecond;
  sys::Nanos calm_status = 100 * sys::kMillisecond;
};

class ChildKinds;
struct ObserverLinks;

/// Watches a server from outside while it runs: its processes in /proc, and, where it has an admin endpoint,
/// /status.json. The processes are the children of the main one, and those of the parent that the endpoint
/// names, as far as worker_kind.h calls them workers by what they became, or they run the program under its
/// own title. A main process that another takes the place of is followed.
///
/// It looks when something happens: a child ends or is reaped (its pidfd says so), a child is new, or Stir()
/// was called. From then on it looks at the processes each 2 ms and at /status.json each 5 ms, until as many
/// processes live as before (as many are new as have ended), none is dead and unreaped, and each worker is
/// ready; then at /status.json each 10 ms, until each has answered. So what follows from a fault is seen at
/// most one such period late. A pool that says itself when its workers were ready and had answered is asked
/// each 50 ms after the end of a worker, and not at all where somebody else has (Look). In between it looks
/// each 50 and 100 ms: so late it sees a child that is started without any of these. A poll that takes longer
/// than its period delays the next.
///
/// Where it comes to a look 20 ms or more too late, that is a Standstill.
///
/// The first look at the children is over when it is constructed, and a last one follows the call to Stop.
/// Two threads of its own, with all signals blocked; start no process while they run.
///
///     Observer observer(main, admin);
///     … observer.Stir(); a fault …
///     const auto seen = observer.Stop();
class Observer {
 public:
  struct Seen {
    std::vector<FamilySample> family = {};  ///< Only those that differ from the one before.
    std::vector<StatusSample> status = {};
    std::vector<Standstill> standstills = {};
  };

  /// `admin` may be empty.
  Observer(pid_t main, const std::string& admin, const ObserverPace& pace = {});
  ~Observer();
  /// Something is about to happen, or may have. From any thread.
  void Stir();
  /// The server now, of which there is an admin endpoint. What that says is seen as by a look of the
  /// observer's own. Blocks for at most kShortPatience. From any thread.
  [[nodiscard]] sys::Result<ServerProcesses> Look();
  /// What the last look showed that differed from the one before. From any thread.
  [[nodiscard]] FamilySample Latest() const;
  /// Ends the watching. Once.
  Seen Stop();

 private:
  void End();
  void WatchFamily(const std::stop_token& stop);
  /// Since `due` it should have gone on, and it does so now.
  void NoteStandstill(sys::Nanos due);
  void WatchStatus(const std::stop_token& stop);

  ObserverPace pace_;
  Seen seen_;
  std::shared_ptr<ChildKinds> kinds_;
  std::shared_ptr<ObserverLinks> links_;
  std::jthread family_;
  std::jthread status_;
};

}  // namespace hydrapool::harness
