#include "pool/simulation/faults.h"

#include "pool/simulation/world.h"

namespace hydrapool::simulation {

bool AtFailpoint(World&, const char*) { return false; }

}  // namespace hydrapool::simulation
