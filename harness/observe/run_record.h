#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/fault/fault.h"
#include "harness/fault/inject_record.h"
#include "harness/observe/pool_fates.h"
#include "harness/observe/timeline.h"
#include "pool/sys/clock.h"

/// Everything that is known of a run when it is over: plain values, so that a test of the judgement is a
/// literal. Times are CLOCK_MONOTONIC unless said otherwise.
namespace hydrapool::harness {

/// How a request failed, as its client saw it.
enum class FailureKind {
  kLost,  ///< No byte of an answer: refused, reset, closed, timed out, or still unanswered long after its
          ///< time.
  kCut,   ///< An answer began and did not end as its framing said.
  kAbandoned,  ///< A whole answer of 500 and above: the server says that it could not.
  kRefused,    ///< A whole answer of 400 to 499, or of no HTTP: no fault explains it.
};
[[nodiscard]] std::string_view Name(FailureKind kind);

struct Failure {
  FailureKind kind = FailureKind::kLost;
  sys::Nanos sent = 0;
  sys::Nanos end = 0;
  std::string what = {};  ///< "reset_before_response".
  std::string url = {};
  std::optional<int> slot = {};  ///< Where the response said so.
  int port = 0;                  ///< The client's own; 0: there was no connection.
};

/// One fault for one process.
struct FaultRecord {
  std::size_t line = 0;  ///< Whose it is, of RunRecord::fault_lines.
  std::uint64_t id = 0;  ///< 1, 2, …; several workers share it with the target `all`.
  sys::Nanos at = 0;
  std::int64_t unix_ms = 0;  ///< The same on the wall clock, to be joined with other logs.
  Fault fault = Fault::kKill;
  Target target = Target::kRandom;
  std::uint64_t draw = 0;                      ///< The schedule's.
  sys::Nanos hold = 0;                         ///< How long it was to be held.
  std::optional<std::uint64_t> requests = {};  ///< After how many it was due, where it was so by a count.
  std::optional<Phase> phase = {};             ///< In which its victim was to be.
  std::optional<bool> hit_phase = {};  ///< Whether it was, as the pool's journal tells; nullopt: unknown.
  std::optional<ProcessView> worker = {};
  Outcome outcome = Outcome::kMissed;
  Proof proof = Proof::kUnproved;
  std::string reason = {};
  std::optional<sys::Nanos> undone = {};   ///< When what was held was taken back.
  std::optional<sys::Nanos> renewed = {};  ///< When the server was seen to be renewed.
  std::vector<int> ended_ports = {};       ///< Of clients whose connections it has ended itself.
  Timeline timeline = {};

  [[nodiscard]] bool landed() const { return Landed(outcome, proof); }
  [[nodiscard]] bool killed() const { return outcome == Outcome::kDead; }
  /// Until when its victim was held: until that was taken back, or it died of it; `at` of a fault that holds
  /// nothing.
  [[nodiscard]] sys::Nanos held_until() const {
    if (InfoOf(fault).effect != Effect::kHolds) return at;
    return undone.value_or(timeline.dead.value_or(at));
  }
  [[nodiscard]] bool hit_program() const { return landed() && worker && worker->role == Role::kProgram; }
  /// Of a parent, a supervisor or the whole server: what is asked then concerns it, whichever worker has it.
  [[nodiscard]] bool hit_server() const {
    return landed() && worker && worker->role != Role::kWorker && !hit_program();
  }
  /// The pool said, just before the fault, that its victim had a request in execution; or it was a program.
  [[nodiscard]] bool hit_busy_worker() const { return landed() && worker && worker->busy > 0; }
};

/// What was asked in one way: a load, or the requests with ids.
struct LoadRecord {
  std::string url;
  std::string client = {};  ///< "" for loadgen, "with ids", "plain client".
  std::uint64_t sent = 0;
  std::uint64_t ok = 0;
  std::uint64_t unsent = 0;             ///< Due by the schedule and never sent.
  std::optional<double> achieved = {};  ///< The share of the schedule that was sent in time.
  double rate = 0;                      ///< Completed responses a second.
  sys::Nanos service_mean = 0;          ///< From sending to the answer.
  std::optional<sys::Nanos> response_p99 = {};
  std::string invalid = {};  ///< Why its own figures are not to be trusted.
  std::string broken = {};   ///< Why there are none.
  std::string report = {};   ///< loadgen's, in JSON; empty: there is none.
};

/// The requests whose answers were checked for their ids.
struct IdCheck {
  std::uint64_t checked = 0;
  std::uint64_t duplicated = 0;  ///< Answers beyond the one.
  std::uint64_t wrong = 0;       ///< Answers that are another's.
  /// Requests that the server has noted more than once in its ledger; nullopt: it keeps none.
  std::optional<std::uint64_t> executed_twice = {};
};

/// The connections that were left idle.
struct RestingConnections {
  std::uint64_t count = 0;
  std::uint64_t answered = 0;  ///< Had an answer, after which they could rest; at most `count`.
  std::uint64_t lost = 0;
  bool kept = true;  ///< Else the server ends connections as soon as it has answered: none could rest.
};

/// What a pool says of the run itself; nullopt for a server that does not.
struct PoolAccount {
  std::optional<PoolStatus::Totals> totals = {};  ///< /status.json, the run's part.
  std::optional<PoolFates> fates = {};            ///< /fates.json.
};

/// A server at rest: before its clients come, and when they have gone and it has had time to settle.
struct ServerState {
  std::size_t workers = 0;
  /// Children of the main process and of the parent that are dead; at the end those that are so for 2 s.
  std::vector<Identity> unreaped = {};
  std::optional<std::size_t> descriptors =
      {};  ///< Of the main process; nullopt where this user may not look.
  pid_t main = 0;
  /// CPU time of the main process and all that descend from it, with that of their dead; nullopt: it cannot
  /// be seen.
  std::optional<sys::Nanos> cpu = {};
  std::vector<sys::Nanos> workers_cpu = {};  ///< Of each that lives.
};

struct RunRecord {
  sys::Nanos start = 0;
  std::int64_t start_unix_ms = 0;  ///< The same on the wall clock.
  sys::Nanos load_end = 0;         ///< When the first load ended: from then on less is asked than planned.
  std::optional<ServerState> before = {};
  std::optional<ServerState> after = {};      ///< nullopt: it had ended, or could not be seen.
  std::vector<std::string> fault_lines = {};  ///< What was planned, in words: "kill of random".
  std::vector<FaultRecord> faults = {};
  std::vector<Life> lives = {};  ///< Of the server's processes.
  std::vector<Standstill> standstills = {};
  std::vector<Failure> failures = {};
  /// Failures of which only the number is known, beyond the first 100,000 of a client.
  std::map<FailureKind, std::uint64_t> unexamined = {};
  std::vector<LoadRecord> loads = {};
  std::uint64_t in_flight_at_end = 0;
  IdCheck ids = {};
  RestingConnections resting = {};
  PoolAccount pool = {};
  std::vector<std::string> problems = {};  ///< What makes any run a FAIL: the server ended, or did not stop.
  std::vector<std::string> notes = {};     ///< What a reader should know, and what judges nothing.
  bool interrupted = false;
  /// The longest time in which no request was answered, where that was watched.
  std::optional<sys::Nanos> longest_gap = {};
  std::string breach = {};  ///< Why the run was called off: the server no longer served; empty: it was not.
};

}  // namespace hydrapool::harness
