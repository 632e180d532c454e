#include "harness/fault/duration.h"

#include <fmt/format.h>

namespace hydrapool::harness {
std::string DurationText(sys::Nanos nanos) {
  if (nanos >= sys::kSecond) return fmt::format("{:g} s", sys::ToSeconds(nanos));
  if (nanos >= sys::kMillisecond) return fmt::format("{:g} ms", static_cast<double>(nanos) / 1e6);
  return fmt::format("{:g} us", static_cast<double>(nanos) / 1e3);
}

}  // namespace hydrapool::harness
