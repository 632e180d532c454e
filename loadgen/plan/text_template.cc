#include "loadgen/plan/text_template.h"

#include <array>
#include <charconv>

#include "loadgen/plan/pace.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::string_view kCounter = "{counter}";
constexpr std::string_view kRandom = "{random}";
constexpr std::string_view kLine = "{line:";
constexpr std::size_t kHexDigits = 16;

std::string_view Decimal(std::uint64_t number, std::array<char, 20>& digits) {
  const auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return {digits.data(), static_cast<std::size_t>(end - digits.data())};
}

void AppendHex(std::string& out, std::uint64_t number) {
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[(number >> shift) & 15]);
}

const std::string& LineOf(const Lines& lines, std::uint64_t turn) { return lines[turn % lines.size()]; }

}  // namespace

TextTemplate::TextTemplate(std::string_view text, const LineFiles& lines) {
  while (!text.empty()) {
    Place place{.at = text_.size()};
    if (const auto taken = TakePlace(text, lines, place); taken > 0) {
      places_.push_back(place);
      text.remove_prefix(taken);
    } else {
      text_.push_back(text.front());
      text.remove_prefix(1);
    }
  }
}

std::size_t TextTemplate::TakePlace(std::string_view text, const LineFiles& lines, Place& place) {
  if (text.starts_with(kCounter)) return kCounter.size();
  if (text.starts_with(kRandom)) {
    place.kind = Kind::kRandom;
    return kRandom.size();
  }
  const auto end = text.find('}');
  if (!text.starts_with(kLine) || end == text.npos) return 0;
  const auto file = lines.find(text.substr(kLine.size(), end - kLine.size()));
  if (file == lines.end()) return 0;
  place.kind = Kind::kLine;
  place.lines = file->second.get();
  return end + 1;
}

void TextTemplate::Expand(std::uint64_t seed, std::uint64_t turn, std::string& out) const {
  std::array<char, 20> digits;
  std::size_t done = 0;
  for (const auto& place : places_) {
    out.append(text_, done, place.at - done);
    done = place.at;
    switch (place.kind) {
      case Kind::kCounter:
        out.append(Decimal(turn, digits));
        break;
      case Kind::kRandom:
        AppendHex(out, Mix(seed, turn));
        break;
      case Kind::kLine:
        out.append(LineOf(*place.lines, turn));
        break;
    }
  }
  out.append(text_, done);
}

std::size_t TextTemplate::Length(std::uint64_t turn) const {
  std::array<char, 20> digits;
  std::size_t length = text_.size();
  for (const auto& place : places_) {
    length += place.kind == Kind::kCounter  ? Decimal(turn, digits).size()
              : place.kind == Kind::kRandom ? kHexDigits
                                            : LineOf(*place.lines, turn).size();
  }
  return length;
}

}  // namespace hydrapool::loadgen
