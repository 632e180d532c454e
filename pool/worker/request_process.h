#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "hydrapool/connection.h"
#include "pool/shared/messages.h"
#include "pool/shared/process_cgroups.h"
#include "pool/shared/process_places.h"
#include "pool/shared/process_word.h"
#include "pool/sys/clock.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool {

class BodyBudget;
struct LeaseDetail;

/// A request's turn to have a process: its place among those that may run at once, and in the line for one.
///
///     Join() → TurnsBefore() == 0 → Claim() → StepOut() → the process occupies place() → Leave()
///
/// The line and the places outlive the worker: a request whose worker dies goes on to wait.
class ProcessTurn {
 public:
  /// Claims a place for a process of this request (process_places.h). False: all that it may have are taken.
  [[nodiscard]] virtual bool Claim(const PlaceRules& rules) = 0;
  /// Waits in the line for a place (process_line.h) from now on, or goes on to wait where a worker died over
  /// it. False: `most` wait already. The request's end leaves the line.
  [[nodiscard]] virtual bool Join(std::size_t most, const PlaceRules& rules) = 0;
  /// Since when it waits in the line; 0: it does not.
  [[nodiscard]] virtual sys::Nanos since() const = 0;
  /// As ProcessLine::TurnsBefore.
  [[nodiscard]] virtual std::size_t TurnsBefore(const PlaceRules& rules) const = 0;
  /// Which limit of its own it runs into now.
  [[nodiscard]] virtual PartyLimit Reaches(const PlaceRules& rules) const = 0;
  /// It has a place, and waits again if this worker dies before Leave.
  virtual void StepOut() = 0;
  virtual void Leave() = 0;
  /// It is answered otherwise: a place that no process has occupied is given back, and it waits no more.
  virtual void GiveUp() = 0;
  /// The place claimed and whose it is; the process occupies it before it passes the gate.
  [[nodiscard]] virtual ProcessPlaces::Place& place() const = 0;
  /// What names its cgroup.
  [[nodiscard]] virtual CgroupName cgroup() const = 0;
  [[nodiscard]] virtual std::uint32_t claimant() const = 0;  ///< ProcessPlaces::Claimant
  /// Its client sends no more: it has closed its end, or its side of it.
  [[nodiscard]] virtual bool client_finished() const = 0;

 protected:
  ~ProcessTurn() = default;
};

/// The process that answers a request, leased with its connection so that it outlives its worker.
///
///     turn().Claim() → Prepare() → Offer its ends to the parent → start it through PassGate → Exchange::Send
///     steps with `spliced` bytes → the end
///
/// From the gate on it runs whatever becomes of this worker. A worker that takes the request over gets the
/// same ends, and its handler is asked to Resume.
class RequestProcess {
 public:
  [[nodiscard]] virtual ProcessTurn& turn() = 0;
  /// The slot of the connection's lease.
  [[nodiscard]] virtual std::uint32_t lease() const = 0;
  /// Sets the gate for a process that this worker is about to start.
  virtual void Prepare() = 0;
  /// Gives the parent a copy of the file in which the request's body is made whole, in place of one given
  /// before, which is emptied. From then on the handler can resume the request (LeaseDetail::resumable).
  /// False: the parent cannot be told now; `file` is closed.
  [[nodiscard]] virtual bool HoldBody(sys::UniqueFd file) = 0;
  [[nodiscard]] virtual const BodyBudget& bodies() const = 0;
  /// The handler can resume the request from its notes (LeaseDetail::resumable).
  virtual void SetResumable() = 0;
  /// Gives the parent copies of the ends; an invalid descriptor leaves its end out. False: the parent cannot
  /// be told now.
  [[nodiscard]] virtual bool Offer(sys::UniqueFd output, sys::UniqueFd input, sys::UniqueFd errors) = 0;
  [[nodiscard]] virtual LeaseDetail& detail() const = 0;
  [[nodiscard]] virtual ProcessWord state() const = 0;
  /// This worker's own descriptor of an end; -1: none (any more).
  [[nodiscard]] virtual int end(ProcessEnd which) const = 0;
  virtual void CloseEnd(ProcessEnd which) = 0;
  /// The request goes on without it: the parent lets it finish. Then another may be prepared.
  virtual void LetGo() = 0;
  /// The process and its group are to be ended (TERM, then KILL) when the request is over.
  virtual void Terminate() = 0;
  /// The same, for its time is up: it is counted so.
  virtual void TimeOut() = 0;
  /// Takes `discard` bytes off the request and moves the following `feed` bytes to the process's input. The
  /// process may close its input early: the rest is then taken and dropped.
  virtual Exchange::Progress Feed(std::uint32_t discard, std::uint32_t feed) = 0;
  /// Ends a pending Feed at the byte it has come to, so that something can be sent; returns how many bytes of
  /// the step's discard + feed have been taken.
  virtual std::uint32_t PauseFeed() = 0;
  [[nodiscard]] virtual bool feeding() const = 0;

 protected:
  ~RequestProcess() = default;
};

/// In the started process, in memory shared with its worker, before its exec: may it run? Async-signal-safe.
bool PassGate(LeaseDetail& detail, pid_t preparer, pid_t self);
void ExecFailed(LeaseDetail& detail, int error);

}  // namespace hydrapool
