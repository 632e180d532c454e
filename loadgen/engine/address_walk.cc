#include "loadgen/engine/address_walk.h"

#include <algorithm>

namespace hydrapool::loadgen {
namespace {

constexpr sys::Nanos kAttemptDelay = 250 * sys::kMillisecond;

}  // namespace

void AddressWalk::Begin(Endpoint& endpoint, sys::Nanos sent) {
  endpoint_ = &endpoint;
  sent_ = sent;
  first_ = endpoint.preferred;
  tried_ = 0;
  too_slow_ = false;
}

sys::Nanos AddressWalk::Due(sys::Nanos now) const {
  const auto n = endpoint_->addresses.size();
  const sys::Nanos end = End();
  if (n == 1 || tried_ + 1 >= 2 * n) return end;
  if (tried_ < n) return std::min(end, now + kAttemptDelay);
  const sys::Nanos whole = std::min(end, sent_ + wire_.timeout);
  return now + std::max<sys::Nanos>(whole - now, 0) / static_cast<sys::Nanos>(2 * n - tried_);
}

bool AddressWalk::Next(bool too_slow) {
  const auto n = endpoint_->addresses.size();
  too_slow_ = too_slow_ || too_slow;
  ++tried_;
  return tried_ < n || (too_slow_ && tried_ < 2 * n);
}

}  // namespace hydrapool::loadgen
