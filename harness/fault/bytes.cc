#include "harness/fault/bytes.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

namespace hydrapool::harness {

sys::Result<std::uint64_t> ParseBytes(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, int>, 4> kUnits{
      {{"", 0}, {"kb", 10}, {"mb", 20}, {"gb", 30}}};
  constexpr std::uint64_t kMost = std::uint64_t{1} << 32;
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(stop - text.data()));
  for (const auto& [name, shift] : kUnits) {
    if (error == std::errc{} && unit == name && number > 0 && number < kMost) return number << shift;
  }
  return sys::Failure(fmt::format("'{}' is no size such as 64kb", text));
}

}  // namespace hydrapool::harness
