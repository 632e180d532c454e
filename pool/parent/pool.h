#pragma once

namespace hydrapool {

class FateJournal;
class Pool;
class Scoreboard;

/// What a pool knows about itself; for the pool's own programs, embedders get it over the admin endpoint.
const Scoreboard& ScoreboardOf(const Pool& pool);
/// What became of the connections that dead workers left; to be read on the parent's loop.
const FateJournal& FatesOf(const Pool& pool);

}  // namespace hydrapool
