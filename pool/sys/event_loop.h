#pragma once

#include "hydrapool/event_loop.h"
#include "pool/sys/clock.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {

using hydrapool::EventLoop;

}  // namespace hydrapool::sys
