#pragma once

#include <cstdint>

#include "hydrapool/pool_options.h"
#include "pool/sys/clock.h"

namespace hydrapool {

/// Why a worker that is well is replaced between requests.
enum class RecycleCause : std::uint8_t {
  kNone,
  kSurplus,   ///< fewer workers are wanted
  kOutdated,  ///< it was made by the program before
  kRequests,
  kMemory,
  kAge,
};

struct WorkerWear {
  bool surplus = false;
  bool outdated = false;
  std::uint64_t requests = 0;
  std::uint64_t memory = 0;
  sys::Nanos age = 0;
  double lot = 0;  ///< a random number of its own, from 0 to 1: not all workers wear out at once
};

/// The first of these causes that holds.
RecycleCause WhyRecycle(const WorkerWear& wear, const Recycling& rules);
/// "is replaced: …", for the log.
const char* Describe(RecycleCause cause);

}  // namespace hydrapool
