#include "pool/shared/respawn_policy.h"

#include <signal.h>

#include <algorithm>

namespace hydrapool {

sys::Nanos RespawnPolicy::OnDeath(const Death& death) {
  if (death.lived >= kYoung) young_deaths_ = 0;
  const bool innocent = death.was_ready && (death.status.signal == SIGKILL || death.status.clean());
  if (death.lived >= kYoung || innocent) return 0;
  ++young_deaths_;
  if (young_deaths_ <= 2) return 0;
  const std::uint32_t doublings = std::min(young_deaths_ - 3, 20u);
  return std::min(kFirstDelay << doublings, kLongestDelay);
}

}  // namespace hydrapool
