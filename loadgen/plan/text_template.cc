#include "loadgen/plan/text_template.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "loadgen/plan/pace.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::string_view kCounter = "{counter}";
constexpr std::string_view kRandom = "{random}";
constexpr std::string_view kLine = "{line:";
constexpr std::string_view kBrace = "{brace}";
constexpr std::size_t kHexDigits = 16;
constexpr std::size_t kLongestPlace = 8192;  // "{line:" and a path

std::string_view Decimal(std::uint64_t number, std::array<char, 20>& digits) {
  const auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return {digits.data(), static_cast<std::size_t>(end - digits.data())};
}

void AppendHex(std::string& out, std::uint64_t number) {
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[(number >> shift) & 15]);
}

void AppendText(std::string& out, std::string_view text) { out.append(text); }

void AppendEncoded(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back("0123456789ABCDEF"[byte >> 4U]);
      out.push_back("0123456789ABCDEF"[byte & 15U]);
    }
  }
}

const std::string& LineOf(const Lines& lines, std::uint64_t turn) { return lines[turn % lines.size()]; }

}  // namespace

TextTemplate::TextTemplate(std::string_view text, const LineFiles& lines, Values names) : text_(text) {
  for (auto at = text.find('{'); at != text.npos;) {
    Place place{.at = at};
    if (TakePlace(text.substr(at), lines, names, place)) places_.push_back(place);
    at = text.find('{', at + std::max<std::size_t>(place.size, 1));
  }
}

TextTemplate TextTemplate::OfBody(const Body& body, const LineFiles& lines, Values names) {
  return body.as_it_is() ? TextTemplate(body.text()) : TextTemplate(body.text(), lines, names);
}

void TextTemplate::EncodeBefore(std::size_t end) {
  for (auto& place : places_) place.encode = place.at < end;
}

bool TextTemplate::TakePlace(std::string_view text, const LineFiles& lines, Values names, Place& place) {
  if (text.starts_with(kCounter)) {
    place.size = kCounter.size();
    return true;
  }
  if (text.starts_with(kRandom)) {
    place.kind = Kind::kRandom;
    place.size = kRandom.size();
    return true;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (text.size() < names[i].size() + 2 || text.substr(1, names[i].size()) != names[i] ||
        text[names[i].size() + 1] != '}')
      continue;
    place.kind = Kind::kValue;
    place.value = i;
    place.size = names[i].size() + 2;
    return true;
  }
  if (text.starts_with(kBrace)) {
    place.kind = Kind::kBrace;
    place.size = kBrace.size();
    return true;
  }
  if (!text.starts_with(kLine)) return false;
  const auto end = text.substr(0, kLongestPlace).find('}');
  if (end == text.npos) return false;
  const auto file = lines.find(text.substr(kLine.size(), end - kLine.size()));
  if (file == lines.end()) return false;
  place.kind = Kind::kLine;
  place.lines = file->second.get();
  place.size = end + 1;
  return true;
}

void TextTemplate::Expand(std::uint64_t seed, std::uint64_t turn, std::string& out, Values values) const {
  std::array<char, 20> digits;
  std::size_t done = 0;
  for (const auto& place : places_) {
    out.append(text_.substr(done, place.at - done));
    done = place.at + place.size;
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
      case Kind::kBrace:
        out.push_back('{');
        break;
      case Kind::kValue:
        if (place.value < values.size())
          place.encode ? AppendEncoded(out, values[place.value]) : AppendText(out, values[place.value]);
        break;
    }
  }
  out.append(text_.substr(done));
}

std::size_t TextTemplate::Length(std::uint64_t turn, Values values) const {
  std::array<char, 20> digits;
  std::size_t length = text_.size();
  for (const auto& place : places_) {
    length += place.kind == Kind::kCounter  ? Decimal(turn, digits).size()
              : place.kind == Kind::kRandom ? kHexDigits
              : place.kind == Kind::kBrace  ? 1
              : place.kind == Kind::kValue  ? (place.value < values.size() ? values[place.value].size() : 0)
                                            : LineOf(*place.lines, turn).size();
    length -= place.size;
  }
  return length;
}

std::string Literal(std::string_view text) {
  std::string escaped;
  for (; !text.empty(); text.remove_prefix(1)) {
    const bool place = std::ranges::any_of(std::array{kCounter, kRandom, kLine, kBrace},
                                           [text](std::string_view name) { return text.starts_with(name); });
    place ? escaped.append(kBrace) : escaped.append(text, 0, 1);
  }
  return escaped;
}

}  // namespace hydrapool::loadgen
