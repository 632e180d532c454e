#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pool/simulation/client.h"
#include "pool/simulation/faults.h"
#include "pool/simulation/handler.h"
#include "pool/simulation/world.h"

namespace hydrapool::simulation {

/// A whole life of a pool in the simulation.
///
///     const Outcome outcome = RunEpisode({.seed = 17});
///     if (!outcome.failure.empty()) std::puts(outcome.failure.c_str());
///
/// The shipped pool (ProcessPool: parent, workers, their channels, rings, leases, counters) is started,
/// clients come and go, workers die, leave and freeze, the network drops and loses, as the seed says. Then
/// nothing goes wrong any more, and every client must get the rest of its answers; then the pool is told to
/// end, and must end, and leave nothing open. With every fifth seed it is told so while clients still ask:
/// then a connection may end between two answers, and nowhere else. With every third the pool is supervised,
/// and its parent may die at any step, too.
struct EpisodeOptions {
  std::uint64_t seed = 0;
  Fault fault = Fault::kNone;
  std::uint64_t storm = 20'000;  ///< steps during which things go wrong
  bool log = false;              ///< the pool's log goes to stderr
  std::size_t events = 100;      ///< so many of the last are told with a failure
};

struct Outcome {
  std::string failure;  ///< "" or what was wrong, and the last events before it
  std::uint64_t steps = 0;
  std::uint64_t hash = 0;  ///< of everything that has happened
  std::uint64_t deaths = 0;
  std::uint64_t parent_deaths = 0;
  std::uint64_t requests = 0;  ///< answered
};

Outcome RunEpisode(const EpisodeOptions& options);

}  // namespace hydrapool::simulation
