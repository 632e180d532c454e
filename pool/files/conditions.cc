#include "pool/files/conditions.h"

#include <algorithm>
#include <array>
#include <limits>

#include "pool/http/text.h"

namespace hydrapool::files {
namespace {

/// Calls visit(tag, weak) for each entity tag of a list; stops at what is none, or where it says so. Tags may
/// hold commas.
template <typename Visit>
void ForEachTag(std::string_view list, Visit&& visit) {
  for (;;) {
    list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
    const bool weak = list.starts_with("W/");
    if (weak) list.remove_prefix(2);
    if (!list.starts_with('"')) return;
    const auto end = list.find('"', 1);
    if (end == list.npos || visit(list.substr(0, end + 1), weak)) return;
    list.remove_prefix(end + 1);
  }
}

bool Names(const http::Request& request, std::string_view field, std::string_view tag, bool strongly) {
  bool found = false;
  for (const http::Field& each : request.fields) {
    if (!http::EqualsIgnoringCase(each.name, field)) continue;
    if (each.value == "*") return true;
    ForEachTag(each.value, [&](std::string_view named, bool weak) {
      return found = named == tag && !(weak && strongly);
    });
    if (found) return true;
  }
  return false;
}

std::optional<std::time_t> DateIn(const http::Request& request, std::string_view field) {
  const auto value = request.Find(field);
  return value ? ParseHttpDate(*value) : std::nullopt;
}

/// Digits; what is too large is the largest.
std::optional<std::uint64_t> Number(std::string_view text) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  if (text.empty()) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : text) {
    if (!http::Is(http::kDigitChar, c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    number = number > (kMost - digit) / 10 ? kMost : number * 10 + digit;
  }
  return number;
}

enum class Spec {
  kMalformed,
  kOutside,
  kWithin,
  kAllOfNone,  // the last bytes of an empty file: all of it, which no 206 can say
};

Spec ParseSpec(std::string_view spec, std::uint64_t size, ByteRange& range) {
  const auto dash = spec.find('-');
  if (dash == spec.npos) return Spec::kMalformed;
  const auto last = Number(spec.substr(dash + 1));
  if (dash == 0) {
    if (!last) return Spec::kMalformed;
    if (size == 0 && *last > 0) return Spec::kAllOfNone;
    range.length = std::min(*last, size);
    range.at = size - range.length;
    return range.length == 0 ? Spec::kOutside : Spec::kWithin;
  }
  const auto first = Number(spec.substr(0, dash));
  const bool open = dash + 1 == spec.size();
  if (!first || (!open && (!last || *last < *first))) return Spec::kMalformed;
  if (*first >= size) return Spec::kOutside;
  range.at = *first;
  range.length = (open ? size : std::min(*last, size - 1) + 1) - *first;
  return Spec::kWithin;
}

/// "0.5", in thousandths.
int Thousandths(std::string_view text) {
  int value = 0;
  int unit = 1000;
  for (const char c : text) {
    if (c == '.') continue;
    if (!http::Is(http::kDigitChar, c) || unit == 0) break;
    value += (c - '0') * unit;
    unit /= 10;
  }
  return value;
}

/// The q of ";q=0.5".
int Quality(std::string_view parameters) {
  while (!parameters.empty()) {
    parameters.remove_prefix(1);
    const auto end = std::min(parameters.find(';'), parameters.size());
    const auto parameter = http::TrimBlanks(parameters.substr(0, end));
    if (http::EqualsIgnoringCase(parameter.substr(0, 2), "q=")) return Thousandths(parameter.substr(2));
    parameters.remove_prefix(end);
  }
  return 1000;
}

}  // namespace

std::optional<std::time_t> ParseHttpDate(std::string_view text) {
  const std::string date(text);
  for (const char* form :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
    std::tm parts{};
    const char* const end = ::strptime(date.c_str(), form, &parts);
    if (end != nullptr && end == date.c_str() + date.size()) return ::timegm(&parts);
  }
  return std::nullopt;
}

Condition Evaluate(const http::Request& request, const Validators& file) {
  if (request.Find("If-Match")) {
    if (!Names(request, "If-Match", file.tag, true)) return Condition::kFails;
  } else if (const auto date = DateIn(request, "If-Unmodified-Since"); date && file.modified > *date) {
    return Condition::kFails;
  }
  if (request.Find("If-None-Match"))
    return Names(request, "If-None-Match", file.tag, false) ? Condition::kNotModified : Condition::kHolds;
  const auto date = DateIn(request, "If-Modified-Since");
  return date && file.modified <= *date ? Condition::kNotModified : Condition::kHolds;
}

bool RangeCounts(const http::Request& request, const Validators& file) {
  const auto value = request.Find("If-Range");
  if (!value) return true;
  if (value->starts_with('"')) return *value == file.tag;
  const auto date = ParseHttpDate(*value);
  return date && *date == file.modified && file.settled;
}

std::optional<std::vector<ByteRange>> ParseRanges(std::string_view field, std::uint64_t size) {
  const auto equals = field.find('=');
  if (equals == field.npos || !http::EqualsIgnoringCase(field.substr(0, equals), "bytes"))
    return std::nullopt;
  std::vector<ByteRange> ranges;
  bool ignored = false;
  std::size_t specs = 0;
  std::uint64_t bytes = 0;
  http::ForEachMember(field.substr(equals + 1), [&](std::string_view spec) {
    ByteRange range;
    ++specs;
    const Spec read = ParseSpec(spec, size, range);
    ignored |= read == Spec::kMalformed || read == Spec::kAllOfNone;
    if (read != Spec::kWithin || ranges.size() > kMostRanges) return;
    ranges.push_back(range);
    bytes += range.length;
  });
  if (ignored || specs == 0 || ranges.size() > kMostRanges || bytes > size) return std::nullopt;
  return ranges;
}

bool Accepts(const http::Request& request, std::string_view coding) {
  std::optional<int> named;
  std::optional<int> any;
  for (const http::Field& field : request.fields) {
    if (!http::EqualsIgnoringCase(field.name, "Accept-Encoding")) continue;
    http::ForEachMember(field.value, [&](std::string_view member) {
      const auto end = std::min(member.find(';'), member.size());
      const auto name = http::TrimBlanks(member.substr(0, end));
      if (http::EqualsIgnoringCase(name, coding)) named = Quality(member.substr(end));
      if (name == "*") any = Quality(member.substr(end));
    });
  }
  return named.value_or(any.value_or(0)) > 0;
}

}  // namespace hydrapool::files
