#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// The characters of HTTP, by table: independent of locale, and defined for all 256 bytes (RFC 9110,
/// section 5.6).
namespace hydrapool::http {

enum CharClass : std::uint8_t {
  kTokenChar = 1,   ///< tchar: methods, field names, list members
  kTargetChar = 2,  ///< visible ASCII but '#': what a request-target may hold
  kValueChar = 4,   ///< visible ASCII, space, tab, and bytes past 0x7f: field values
  kHostChar = 8,    ///< unreserved of RFC 3986: letters, digits, '-' '.' '_' '~'
  kDigitChar = 16,
};

inline constexpr auto kCharClasses = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool digit = c >= '0' && c <= '9';
    const bool alnum = digit || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool visible = c > 0x20 && c < 0x7f;
    const auto one_of = [c](std::string_view set) {
      return c < 0x80 && set.find(static_cast<char>(c)) != set.npos;
    };
    unsigned classes = 0;
    if (alnum || one_of("!#$%&'*+-.^_`|~")) classes |= kTokenChar;
    if (visible && c != '#') classes |= kTargetChar;
    if (visible || c == ' ' || c == '\t' || c >= 0x80) classes |= kValueChar;
    if (alnum || one_of("-._~")) classes |= kHostChar;
    if (digit) classes |= kDigitChar;
    table[c] = static_cast<std::uint8_t>(classes);
  }
  return table;
}();

constexpr bool Is(CharClass what, char c) {
  return (kCharClasses[static_cast<unsigned char>(c)] & what) != 0;
}

constexpr char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

constexpr bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (ToLower(a[i]) != ToLower(b[i])) return false;
  }
  return true;
}

constexpr std::string_view TrimBlanks(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Calls visit(member) for each non-empty member of a comma-separated list, blanks removed.
template <typename Visit>
constexpr void ForEachMember(std::string_view list, Visit&& visit) {
  for (;;) {
    const auto comma = list.find(',');
    if (const auto member = TrimBlanks(list.substr(0, comma)); !member.empty()) visit(member);
    if (comma == list.npos) return;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace hydrapool::http
