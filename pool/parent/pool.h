#pragma once

#include <cstddef>

#include "hydrapool/pool_options.h"

namespace hydrapool {

class DeathJournal;
class FateJournal;
class Pool;
class LeaseTable;
class Scoreboard;
struct Doorbell;
struct PoolLife;
namespace sys {
class Lifeline;
}
class Steering;

/// The options with what they leave to the pool filled in: how many workers, and how many connections the
/// limit of open files allows, which is raised as far as it goes.
PoolOptions Completed(PoolOptions options);

/// What a pool knows about itself; for the pool's own programs, embedders get it over the admin endpoint.
const Scoreboard& ScoreboardOf(const Pool& pool);
/// How many processes its workers may start for requests at once (MostProcesses in
/// pool/worker/worker_desk.h).
std::size_t MostProcessesOf(const Pool& pool);
/// What became of the connections that dead workers left; to be read on the parent's loop.
const FateJournal& FatesOf(const Pool& pool);
/// The last ends of its workers; to be read on the parent's loop.
const DeathJournal& DeathsOf(const Pool& pool);

/// What an operator may ask of it (pool/parent/steering.h); on the parent's loop.
Steering SteeringOf(const Pool& pool);

/// What launchers (cgi/launch_server.h) must know of it, before it serves.
LeaseTable& TableOf(const Pool& pool);
PoolLife& LifeOf(const Pool& pool);
Doorbell& BellOf(const Pool& pool);
/// Of an eventfd and a pipe: what wakes the parent, and what ends with the pool.
int DoorbellOf(const Pool& pool);
const sys::Lifeline& LifelineOf(const Pool& pool);

}  // namespace hydrapool
