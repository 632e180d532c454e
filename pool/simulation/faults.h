#pragma once

#include <cstdint>

namespace hydrapool::simulation {

class World;

/// Faults of the field, put back one at a time: what the simulation must find.
enum class Fault : std::uint8_t { kNone };

/// The running process passes a failpoint. True: leave out what stands there.
bool AtFailpoint(World& world, const char* name);

}  // namespace hydrapool::simulation
