#include "loadgen/report/terminal_text.h"

#include <algorithm>
#include <array>

namespace hydrapool::loadgen {
namespace {

constexpr char32_t kNone = 0xFFFFFFFF;

struct Character {
  char32_t code = kNone;
  std::size_t length = 1;
};

bool Continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// The character that `text` begins with; kNone and one byte where that is no UTF-8 (RFC 3629).
Character First(std::string_view text) {
  static constexpr std::array<char32_t, 5> kLowest = {0, 0, 0x80, 0x800, 0x10000};
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC0 || lead >= 0xF8 || text.size() < length) return {};
  char32_t code = lead & (0x7FU >> length);
  for (const char c : text.substr(1, length - 1)) {
    if (!Continues(c)) return {};
    code = (code << 6) | (static_cast<unsigned char>(c) & 0x3FU);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < kLowest[length] || code > 0x10FFFF || surrogate ? Character{} : Character{code, length};
}

bool Harmless(char32_t code) {
  const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029;
  const bool turns = code == 0x061C || code == 0x200E || code == 0x200F ||
                     (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
  return code != kNone && !control && !turns;
}

/// Where the line of at most `columns` columns that `line` begins with ends: before its last blank, if it has
/// one that is not among the first `indent` columns, else before the first one.
std::size_t BreakAt(std::string_view line, std::size_t columns, std::size_t indent) {
  std::size_t at = line.npos;
  for (std::size_t i = line.find(' ', indent); i != line.npos; i = line.find(' ', i + 1)) {
    if (at != line.npos && Columns(line.substr(0, i)) > columns) break;
    at = i;
  }
  return at;
}

/// Takes the digits `text` begins with, without leading zeros.
std::string_view TakeNumber(std::string_view& text) {
  const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto begin = std::min(text.find_first_not_of('0'), end);
  const auto digits = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return digits;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string Printable(std::string_view text, std::size_t most) {
  std::string printable;
  for (std::size_t columns = 0; !text.empty(); ++columns) {
    if (columns == most) return printable + "…";
    const auto [code, length] = First(text);
    if (Harmless(code)) {
      printable += text.substr(0, length);
    } else {
      printable += '?';
    }
    text.remove_prefix(length);
  }
  return printable;
}

std::size_t Columns(std::string_view line) {
  std::size_t columns = 0;
  bool escape = false;
  for (const char c : line) {
    if (c == '\x1b') escape = true;
    columns += !escape && !Continues(c) ? 1 : 0;
    if (escape && c == 'm') escape = false;
  }
  return columns;
}

std::string Cut(std::string_view line, std::size_t columns) {
  if (Columns(line) <= columns) return std::string(line);
  std::string cut;
  for (const char c : line) {
    if (!Continues(c) && Columns(cut) == columns) break;
    cut.push_back(c);
  }
  return cut.find('\x1b') == cut.npos ? cut : cut + "\x1b[0m";
}

std::string Padded(std::string text, std::size_t columns) {
  const auto taken = Columns(text);
  return text.append(columns > taken ? columns - taken : 0, ' ');
}

bool ComesBefore(std::string_view a, std::string_view b) {
  const auto all_a = a;
  const auto all_b = b;
  while (!a.empty() && !b.empty()) {
    if (IsDigit(a[0]) && IsDigit(b[0])) {
      const auto n = TakeNumber(a);
      const auto m = TakeNumber(b);
      if (n != m) return n.size() != m.size() ? n.size() < m.size() : n < m;
      continue;
    }
    if (a[0] != b[0]) return a[0] < b[0];
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.empty() && b.empty() ? all_a < all_b : a.empty();
}

std::string Wrap(std::string_view text, std::size_t columns, std::size_t indent) {
  std::string wrapped;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    while (Columns(line) > columns) {
      const auto at = BreakAt(line, columns, indent);
      const auto rest = at == line.npos ? at : line.find_first_not_of(' ', at);
      if (rest == line.npos) break;
      wrapped.append(line, 0, line.find_last_not_of(' ', at) + 1).append("\n");
      line.replace(0, rest, indent, ' ');
    }
    wrapped.append(line).append("\n");
  }
  return wrapped;
}

}  // namespace hydrapool::loadgen
