#include "loadgen/plan/start_time.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

namespace hydrapool::loadgen {
namespace {

std::optional<double> Number(std::string_view text) {
  double number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || stop != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

/// The seconds that "Z", "+01:00" or "-0530" is ahead of UTC.
std::optional<long> Offset(std::string_view zone) {
  if (zone == "Z" || zone == "z") return 0;
  if (zone.size() == 6 && zone[3] == ':')
    return Offset(std::string(zone.substr(0, 3)).append(zone.substr(4)));
  if (zone.size() != 5 || (zone[0] != '+' && zone[0] != '-')) return std::nullopt;
  for (const char c : zone.substr(1)) {
    if (c < '0' || c > '9') return std::nullopt;
  }
  const long hours = (zone[1] - '0') * 10 + (zone[2] - '0');
  const long minutes = (zone[3] - '0') * 10 + (zone[4] - '0');
  const long seconds = hours * 3600 + minutes * 60;
  return zone[0] == '-' ? -seconds : seconds;
}

}  // namespace

sys::Result<sys::Nanos> ParseStartTime(std::string_view text) {
  const auto nanos = [](double seconds) { return static_cast<sys::Nanos>(std::llround(seconds * 1e9)); };
  if (const auto seconds = Number(text); seconds && *seconds > 0 && *seconds < 9e9) return nanos(*seconds);
  const std::string copy(text);
  tm parts{};
  if (const char* rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts)) {
    std::string_view zone = rest;
    std::optional<double> fraction = 0;
    if (zone.starts_with('.')) {
      const auto end = std::min(zone.find_first_not_of("0123456789", 1), zone.size());
      fraction = Number(zone.substr(0, end));
      zone.remove_prefix(end);
    }
    const auto offset = Offset(zone);
    if (fraction && offset) return (::timegm(&parts) - *offset) * sys::kSecond + nanos(*fraction);
  }
  return sys::Failure(
      fmt::format("'{}' is not a time (like 2026-11-22T15:04:05Z, or seconds since the epoch)", text));
}

sys::Nanos WallClock() {
  timespec t{};
  ::clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * sys::kSecond + t.tv_nsec;
}

}  // namespace hydrapool::loadgen
