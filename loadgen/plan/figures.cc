#include "loadgen/plan/figures.h"

#include <fmt/format.h>

namespace hydrapool::loadgen {
namespace {

std::string ThreeDigits(double value) {
  return value < 9.995   ? fmt::format("{:.2f}", value)
         : value < 99.95 ? fmt::format("{:.1f}", value)
                         : fmt::format("{:.0f}", value);
}

}  // namespace

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
