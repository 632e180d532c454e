#include "pool/sys/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

namespace hydrapool::sys {
namespace {

constexpr double kLongest = 1e18;
constexpr double kHighest = 1e9;
/// From the larger to the smaller.
constexpr std::array<std::pair<std::string_view, double>, 5> kUnits = {
    {{"h", 3600e9}, {"m", 60e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}}};

/// Takes a number without sign or exponent off `text`.
std::optional<double> TakeNumber(std::string_view& text) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number) || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

/// Takes a unit of kUnits[from] or smaller off `text`; which it is.
std::optional<std::size_t> TakeUnit(std::string_view& text, std::size_t from) {
  const auto name = text.substr(0, text.find_first_of("0123456789."));
  for (auto i = from; i < kUnits.size(); ++i) {
    if (kUnits[i].first != name) continue;
    text.remove_prefix(name.size());
    return i;
  }
  return std::nullopt;
}

std::optional<double> NanosOf(std::string_view text) {
  double nanos = 0;
  std::size_t from = 0;
  do {
    const bool first = from == 0;
    const auto number = TakeNumber(text);
    if (!number) return std::nullopt;
    if (first && text.empty()) return *number * 1e9;
    const auto unit = TakeUnit(text, from);
    if (!unit) return std::nullopt;
    nanos += *number * kUnits[*unit].second;
    from = *unit + 1;
  } while (!text.empty());
  return nanos;
}

}  // namespace

Result<Nanos> ParseDuration(std::string_view text) {
  const auto nanos = NanosOf(text);
  if (nanos && *nanos >= 1 && *nanos < kLongest) return static_cast<Nanos>(std::llround(*nanos));
  return Failure(fmt::format("'{}' is not a duration (like 10s, 500ms, 2m or 1m30s)", text));
}

Result<double> ParseRate(std::string_view text) {
  auto rest = text;
  const auto number = TakeNumber(rest);
  if (number && *number > 0 && *number <= kHighest) {
    if (rest.empty() || rest == "/s") return *number;
    if (rest == "/m") return *number / 60;
  }
  return Failure(fmt::format("'{}' is not a rate (like 500, 500/s or 30/m)", text));
}

Result<std::uint64_t> ParseCount(std::string_view text, std::uint64_t least) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < least)
    return Failure(fmt::format("'{}' is not a whole number from {}", text, least));
  return count;
}

}  // namespace hydrapool::sys
