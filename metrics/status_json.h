#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "pool/shared/scoreboard.h"
#include "pool/sys/clock.h"

namespace hydrapool::metrics {

/// What a scoreboard does not know of its pool.
struct StatusFacts {
  pid_t pid = 0;
  std::string_view version;
  std::string_view dispatch;
  std::string_view balance;
  sys::Nanos now = 0;
};

/// The pool's state for programs, /status.json, one object without line breaks:
///
///     {"schema":1, "pid" (the process that was started), "parent":{"pid", "lives"}, "version", "uptime_s",
///     "dispatch", "balance",
///      "workers":[{"slot", "pid" (0 while dead), "incarnation", "program" (which of those that served one
///      after
///                  another has made it), "state", "leases", "busy", "requests",
///                  "heartbeat_age_s" (since it came round; 0 while dead),
///                  "last_exit" (null, "exit_0", "SIGKILL", … of the incarnation before)}],
///      "readiness" ("ready", "draining", "no live worker", "full": as /readyz),
///      "leases":{"open", "idle", "busy", "unassigned"}, "connections_limit", "cgi_limit",
///      "requests_in_execution", "oldest_request_s" (0 where there is none),
///      "totals":{"requests", "rescued", "rescued_in_flight" (of these, not idle), "lost", "cut",
///      "abandoned",
///                "poison", "unavailable", "accepted", "accept_errors", "address_refused", "idle_closed",
///                "moved", "cgi_started", "exits", "log_dropped"},
///      "cgi_processes", "workers_leaving", "listen_queue", "listen_queue_limit",
///      "fairness":{"connections", "requests", "busy"},
///      "durations_s":{"reap", "respawn", "recovery", "dispatch", "request", "cgi_start":
///                     {"count", "p50", "p99"} (null where count is 0)}}
///
/// A worker that leaves gives its slot to its successor at once; until it is gone, it is one of
/// "workers_leaving". Members may be added under the same schema; none changes its meaning. idle + busy +
/// unassigned = open, but for what changed while it was read. Pure but for reading the scoreboard, and cheap
/// enough for the parent's loop.
[[nodiscard]] std::string StatusJson(const hydrapool::Scoreboard& board, const StatusFacts& facts);

}  // namespace hydrapool::metrics
