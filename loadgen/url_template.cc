#include "loadgen/url_template.h"

#include <array>
#include <charconv>

#include "loadgen/pace.h"

namespace loadgen {
namespace {

constexpr std::string_view kCounter = "{counter}";
constexpr std::string_view kRandom = "{random}";

void AppendNumber(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void AppendHex(std::string& out, std::uint64_t number) {
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[(number >> shift) & 15]);
}

}  // namespace

UrlTemplate::UrlTemplate(std::string_view text) {
  while (!text.empty()) {
    const bool counter = text.starts_with(kCounter);
    const bool random = text.starts_with(kRandom);
    if (counter || random) {
      places_.push_back({.at = text_.size(), .random = random});
      text.remove_prefix(random ? kRandom.size() : kCounter.size());
    } else {
      text_.push_back(text.front());
      text.remove_prefix(1);
    }
  }
}

void UrlTemplate::Expand(std::uint64_t seed, std::uint64_t turn, std::string& out) const {
  std::size_t done = 0;
  for (const auto& place : places_) {
    out.append(text_, done, place.at - done);
    done = place.at;
    place.random ? AppendHex(out, Mix(seed, turn)) : AppendNumber(out, turn);
  }
  out.append(text_, done);
}

}  // namespace loadgen
