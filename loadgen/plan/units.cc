#include "loadgen/plan/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

namespace hydrapool::loadgen {
namespace {

struct Quantity {
  double number;
  std::string_view unit;
};

std::optional<Quantity> Split(std::string_view text) {
  Quantity q{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), q.number);
  if (error != std::errc() || !std::isfinite(q.number) || q.number <= 0) return std::nullopt;
  q.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  return q;
}

std::string ThreeDigits(double value) {
  return value < 9.995   ? fmt::format("{:.2f}", value)
         : value < 99.95 ? fmt::format("{:.1f}", value)
                         : fmt::format("{:.0f}", value);
}

}  // namespace

sys::Result<sys::Nanos> ParseDuration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 6> kUnits = {
      {{"", 1e9}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
  if (const auto q = Split(text)) {
    for (const auto& [unit, nanos] : kUnits) {
      if (q->unit == unit && q->number * nanos >= 1 && q->number * nanos < 1e18) {
        return static_cast<sys::Nanos>(std::llround(q->number * nanos));
      }
    }
  }
  return sys::Failure(fmt::format("'{}' is not a duration (like 10s, 500ms or 2m)", text));
}

sys::Result<double> ParseRate(std::string_view text) {
  if (const auto q = Split(text); q && q->number <= 1e9) {
    if (q->unit.empty() || q->unit == "/s") return q->number;
    if (q->unit == "/m") return q->number / 60;
  }
  return sys::Failure(fmt::format("'{}' is not a rate (like 500 or 500/s)", text));
}

std::string FormatMicros(double micros) {
  if (micros < 999.5) return fmt::format("{:.0f} µs", micros);
  if (micros < 999'500) return ThreeDigits(micros / 1e3) + " ms";
  return ThreeDigits(micros / 1e6) + " s";
}

std::string FormatBytes(double bytes) {
  if (bytes < 1000) return fmt::format("{:.0f} B", bytes);
  if (bytes < 999'500) return ThreeDigits(bytes / 1e3) + " kB";
  if (bytes < 999'500'000) return ThreeDigits(bytes / 1e6) + " MB";
  return ThreeDigits(bytes / 1e9) + " GB";
}

}  // namespace hydrapool::loadgen
