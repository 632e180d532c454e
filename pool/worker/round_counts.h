#pragma once

#include <cstdint>
#include <utility>

#include "pool/shared/scoreboard.h"
#include "pool/sys/clock.h"

namespace hydrapool {

/// What a worker has moved and how long it was busy, in the round of its loop that is under way. Its slot's
/// counters are shared, so that each addition to one is a locked one: they are added to once a round. What is
/// in here when a worker dies is never counted.
struct RoundCounts {
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_bytes = 0;
  sys::Nanos busy = 0;

  void AddTo(WorkerSlot& slot) {
    if (sent_bytes > 0) slot.sent_bytes.Add(std::exchange(sent_bytes, 0));
    if (received_bytes > 0) slot.received_bytes.Add(std::exchange(received_bytes, 0));
    if (busy > 0) slot.busy_nanos.Add(static_cast<std::uint64_t>(std::exchange(busy, 0)));
  }
};

}  // namespace hydrapool
