#include "pool/shared/body_budget.h"

namespace hydrapool {

bool BodyBudget::Begin(std::uint32_t lease, std::size_t most) const {
  return bodies_.Claim(lease, most) != nullptr;
}

bool BodyBudget::ClaimMemory(std::uint32_t lease, std::size_t most) const {
  return memory_.Claim(lease, most) != nullptr;
}

void BodyBudget::Occupy(std::uint32_t lease, pid_t self) const {
  if (ProcessPlaces::Place* const place = memory_.Find(lease)) ProcessPlaces::Occupy(*place, lease, self);
}

void BodyBudget::End(std::uint32_t lease) const {
  bodies_.GiveBack(lease);
  memory_.GiveBack(lease);
}

}  // namespace hydrapool
