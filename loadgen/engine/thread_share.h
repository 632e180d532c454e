#pragma once

#include <span>

#include "loadgen/engine/poller.h"
#include "loadgen/engine/source_addresses.h"
#include "loadgen/plan/plan.h"
#include "loadgen/stats/connection_counts.h"

namespace hydrapool::loadgen {

/// What the connections of one thread have in common. All of it must outlive them.
struct ThreadShare {
  const Plan& plan;
  Poller& poller;
  SourceAddresses& sources;
  ConnectionCounts& counts;
  std::span<char> buffer;  ///< For receiving.
};

}  // namespace hydrapool::loadgen
