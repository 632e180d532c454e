#include "pool/shared/make_room.h"

#include <algorithm>
#include <tuple>

namespace hydrapool {

std::vector<Spare> FirstToGo(std::vector<Spare> idle, std::size_t most) {
  const auto order = [](const Spare& spare) { return std::tuple(!spare.silent, spare.idle_since); };
  const auto end = idle.begin() + static_cast<std::ptrdiff_t>(std::min(most, idle.size()));
  std::ranges::partial_sort(idle, end, {}, order);
  idle.erase(end, idle.end());
  return idle;
}

}  // namespace hydrapool
