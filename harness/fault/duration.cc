#include "harness/fault/duration.h"

#include <fmt/format.h>

#include <chrono>

namespace hydrapool::harness {
std::string DurationText(sys::Nanos nanos) {
  if (nanos >= sys::kSecond) return fmt::format("{:g} s", sys::ToSeconds(nanos));
  if (nanos >= sys::kMillisecond) return fmt::format("{:g} ms", static_cast<double>(nanos) / 1e6);
  return fmt::format("{:g} us", static_cast<double>(nanos) / 1e3);
}

std::int64_t UnixMillis() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace hydrapool::harness
