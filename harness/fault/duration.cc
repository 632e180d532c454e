#include "harness/fault/duration.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

namespace hydrapool::harness {
namespace {

constexpr std::array kUnits{
    std::pair<std::string_view, double>{"us", 1e3},   std::pair<std::string_view, double>{"ms", 1e6},
    std::pair<std::string_view, double>{"s", 1e9},    std::pair<std::string_view, double>{"m", 60e9},
    std::pair<std::string_view, double>{"h", 3600e9},
};

constexpr double kLongest = 1e9 * 3600 * 24 * 365;

}  // namespace

sys::Result<sys::Nanos> ParseDuration(std::string_view text) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error == std::errc{}) {
    const std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const auto& [unit, nanos] : kUnits) {
      if (suffix != unit) continue;
      const double value = number * nanos;
      if (value >= 1 && value <= kLongest) return static_cast<sys::Nanos>(value);
    }
  }
  return sys::Failure(fmt::format("'{}' is not a time such as 250ms, 1.5s or 2m", text));
}

std::string DurationText(sys::Nanos nanos) {
  if (nanos >= sys::kSecond) return fmt::format("{:g} s", sys::ToSeconds(nanos));
  if (nanos >= sys::kMillisecond) return fmt::format("{:g} ms", static_cast<double>(nanos) / 1e6);
  return fmt::format("{:g} us", static_cast<double>(nanos) / 1e3);
}

}  // namespace hydrapool::harness
