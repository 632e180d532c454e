#pragma once

#include "pool/sys/clock.h"

namespace hydrapool::sys {

/// Since 1970, for points of time that outlive this start of the machine. It may jump.
[[nodiscard]] Nanos RealTime();

}  // namespace hydrapool::sys
