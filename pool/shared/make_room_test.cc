#include "pool/shared/make_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::uint32_t> SlotsOf(const std::vector<Spare>& spares) {
  std::vector<std::uint32_t> slots;
  for (const Spare& spare : spares) slots.push_back(spare.slot);
  return slots;
}

Spare Idle(std::uint32_t slot, std::uint32_t steps, sys::Nanos since) {
  return {.slot = slot,
          .word = {.steps = steps, .phase = Phase::kIdle},
          .idle_since = since,
          .silent = steps == 0};
}

TEST(FirstToGoTest, TheSilentGoFirstAndThenWhoeverHasBeenIdleLongest) {
  const std::vector<Spare> idle{Idle(0, 9, 30), Idle(1, 0, 50), Idle(2, 1, 10), Idle(3, 0, 40)};
  EXPECT_THAT(SlotsOf(FirstToGo(idle, 4)), ElementsAre(3, 1, 2, 0));
  EXPECT_THAT(SlotsOf(FirstToGo(idle, 3)), ElementsAre(3, 1, 2));
  EXPECT_THAT(SlotsOf(FirstToGo(idle, 9)), ElementsAre(3, 1, 2, 0));
  EXPECT_THAT(FirstToGo({}, 9), IsEmpty());
}

}  // namespace
}  // namespace hydrapool
