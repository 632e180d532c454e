#include "pool/shared/respawn_policy.h"

#include <signal.h>

#include <algorithm>

namespace hydrapool {

namespace {

// After so many that cost nothing it doubles.
sys::Nanos DelayAfter(std::uint32_t deaths, std::uint32_t free) {
  if (deaths <= free) return 0;
  const std::uint32_t doublings = std::min(deaths - free - 1, 20u);
  return std::min(RespawnPolicy::kFirstDelay << doublings, RespawnPolicy::kLongestDelay);
}

}  // namespace

sys::Nanos RespawnPolicy::OnDeath(const Death& death) {
  const bool killed = death.status.signal == SIGKILL;
  if (death.lived >= kYoung) young_deaths_ = 0;
  if (death.lived >= kYoung || death.was_ready) killed_early_ = 0;
  if (death.lived >= kYoung || (death.was_ready && (killed || death.status.clean()))) return 0;
  return killed ? DelayAfter(++killed_early_, kSpared) : DelayAfter(++young_deaths_, 2);
}

}  // namespace hydrapool
