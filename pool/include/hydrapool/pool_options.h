#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "hydrapool/clock.h"

namespace hydrapool {

enum class Balance : std::uint8_t { kLeastBusy, kRoundRobin };

/// How long things may take. All of them bound what a stranger can hold.
struct Timeouts {
  Nanos head = 10 * kSecond;        ///< from a request's first byte to the end of its head (and small body)
  Nanos keep_alive = 75 * kSecond;  ///< between requests
  /// No connection that has been idle for less is closed to make room for another.
  Nanos spare = kSecond;
  Nanos write = 30 * kSecond;       ///< without a byte taken by the client
  Nanos linger = 2 * kSecond;       ///< for the client's end, after ours
  Nanos unassigned = 10 * kSecond;  ///< for a worker to take a connection, when none is alive
  Nanos drain = 30 * kSecond;       ///< of the pool, at TERM, before its workers are killed
  /// Before that: the pool says that it is not ready, and serves on, so that who sends it clients can stop.
  Nanos drain_notice = 0;
  /// Without a round of its loop, before a worker is killed as hung: longer than any call of a handler may
  /// take. 0: never. Its idle connections go to other workers after a second in any case.
  Nanos stall = 0;
};

/// When a worker is replaced between requests though nothing is wrong with it; never two at once, and none
/// while another is not ready. 0: never.
struct Recycling {
  std::uint64_t requests = 0;  ///< that it has answered, and up to a tenth more: not all come to it together
  std::uint64_t memory = 0;    ///< of its own, in bytes
  Nanos age = 0;               ///< and up to a tenth more
};

struct PoolOptions {
  std::size_t workers = 0;  ///< 0: as many as there are cores, at least 2
  Balance balance = Balance::kLeastBusy;
  std::size_t max_connections = 0;  ///< 0: as many as the limit of open files allows, at most 16384
  /// Of one IPv4 address, or one /64 of IPv6; past it a newcomer is reset. 0: as many as there may be.
  std::size_t max_per_address = 0;
  /// Of one connection; then Connection::IsLast says that the answer should be the last. 0: no limit.
  std::size_t max_requests_per_connection = 0;
  /// How much of a request OnInput can see at once, at most 128 KiB. A handler that needs more of it answers
  /// by Start and takes it away in pieces; one that asks for more by NeedMore loses the connection.
  std::size_t max_input = std::size_t{32} * 1024;
  Timeouts timeouts = {};
  Recycling recycling = {};
  /// A supervisor keeps the parent alive: Serve waits in it, and a child of it is the parent, which the next
  /// one replaces when it dies. So any one process of the pool may be killed. Callbacks on loop() run in that
  /// child: what they change in memory stays there and ends with it, what they open too.
  bool supervised = false;
  /// The program's arguments, as main got them: with them, and supervised, the pool lives on over its
  /// program. At HUP the program is started anew in its process, at USR2 the one that stands under its name
  /// by then: each makes its pool as ever, and finds the connections of the one before. Empty: HUP and USR2
  /// do nothing.
  std::vector<std::string> program = {};
  bool core_dumps = false;  ///< a core dump delays a death, and with it the rescue, by half a second
};

}  // namespace hydrapool
