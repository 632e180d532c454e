#include "pool/toml_file.h"

#include <algorithm>
#include <cctype>
#include <istream>
#include <utility>

namespace hydrapool::server {
namespace {

using Kind = TomlScalar::Kind;

constexpr std::string_view kOfKeys = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
constexpr std::string_view kDigits = "0123456789";

std::string_view Trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

void SkipSpace(std::string_view& text) {
  while (!text.empty() &&
         (std::isspace(static_cast<unsigned char>(text.front())) != 0 || text.front() == '#'))
    text.remove_prefix(text.front() == '#' ? std::min(text.find('\n'), text.size()) : 1);
}

std::optional<char> Escaped(char c) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case 'n':
      return '\n';
    case 't':
      return '\t';
    default:
      return std::nullopt;
  }
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::optional<TomlScalar> TakeText(std::string_view& text) {
  TomlScalar scalar;
  const char quote = text.front();
  for (text.remove_prefix(1); !text.empty() && text.front() != quote; text.remove_prefix(1)) {
    std::optional<char> c = text.front();
    if (c == '\n') return std::nullopt;
    if (quote == '"' && c == '\\') {
      text.remove_prefix(1);
      c = text.empty() ? std::nullopt : Escaped(text.front());
      if (!c) return std::nullopt;
    }
    scalar.text += *c;
  }
  if (text.empty()) return std::nullopt;
  text.remove_prefix(1);
  return scalar;
}

/// true, false, and numbers: 4, -1, 10_000, 0.5, 1e3.
std::optional<TomlScalar> TakeWord(std::string_view& text) {
  const std::string_view word = text.substr(0, std::min(text.find_first_of(" \t\r\n,]#"), text.size()));
  text.remove_prefix(word.size());
  if (word == "true" || word == "false") return TomlScalar{Kind::kTruth, std::string(word)};
  TomlScalar number{Kind::kInteger, {}};
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    const bool after_digit = i > 0 && kDigits.find(word[i - 1]) != kDigits.npos;
    const bool before_digit = i + 1 < word.size() && kDigits.find(word[i + 1]) != kDigits.npos;
    if (c == '.' || c == 'e' || c == 'E') {
      if (!after_digit) return std::nullopt;
      number.kind = Kind::kFraction;
    } else if (c == '_') {
      if (!after_digit || !before_digit) return std::nullopt;
      continue;
    } else if (c == '+' || c == '-') {
      if (!before_digit || (i > 0 && word[i - 1] != 'e' && word[i - 1] != 'E')) return std::nullopt;
      if (c == '+') continue;
    } else if (kDigits.find(c) == kDigits.npos) {
      return std::nullopt;
    }
    number.text += c;
  }
  const bool ends_well = !word.empty() && kDigits.find(word.back()) != kDigits.npos;
  return ends_well ? std::optional(std::move(number)) : std::nullopt;
}

std::optional<TomlScalar> TakeScalar(std::string_view& text) {
  const bool quoted = text.starts_with('"') || text.starts_with('\'');
  return quoted ? TakeText(text) : TakeWord(text);
}

/// A scalar or a list of them, and nothing behind it but a comment.
std::optional<TomlValue> ReadValue(std::string_view text) {
  TomlValue value;
  SkipSpace(text);
  value.listed = text.starts_with('[');
  if (value.listed) text.remove_prefix(1);
  for (SkipSpace(text); !(value.listed && text.starts_with(']')); SkipSpace(text)) {
    auto scalar = TakeScalar(text);
    if (!scalar) return std::nullopt;
    value.items.push_back(std::move(*scalar));
    if (!value.listed) break;
    SkipSpace(text);
    if (text.starts_with(',')) {
      text.remove_prefix(1);
    } else if (!text.starts_with(']')) {
      return std::nullopt;
    }
  }
  if (value.listed) text.remove_prefix(1);
  SkipSpace(text);
  return text.empty() ? std::optional(std::move(value)) : std::nullopt;
}

/// A "]" outside of quotes and comments.
bool ClosesList(std::string_view line) {
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == '"' && c == '\\') ++i;
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == ']' || c == '#') {
      return c == ']';
    }
  }
  return false;
}

/// It is no more of a list: a heading, or KEY =.
bool BeginsAnew(std::string_view line) {
  const std::string_view text = Trimmed(line);
  if (text.starts_with('[')) return true;
  const auto end = text.find_first_not_of(kOfKeys);
  return end != 0 && end != text.npos && Trimmed(text.substr(end)).starts_with('=');
}

}  // namespace

std::vector<std::string> TomlValue::Texts() const {
  std::vector<std::string> texts;
  for (const TomlScalar& item : items) texts.push_back(item.text);
  return texts;
}

std::string TomlValue::Written() const {
  std::string written;
  for (const TomlScalar& item : items) {
    if (!written.empty()) written += ", ";
    written += item.kind == Kind::kText ? Quoted(item.text) : item.text;
  }
  return listed ? "[" + written + "]" : written;
}

std::vector<TomlEntry> ReadToml(std::istream& input) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // some editors put it before UTF-8
  std::vector<std::string> lines;
  for (std::string line; std::getline(input, line);) lines.push_back(line);
  if (!lines.empty() && lines[0].starts_with(kByteOrderMark)) lines[0].erase(0, kByteOrderMark.size());
  std::vector<TomlEntry> entries;
  std::string heading;
  for (std::size_t next = 0; next < lines.size();) {
    const std::string_view line = Trimmed(lines[next++]);
    if (line.empty() || line.starts_with('#')) continue;
    TomlEntry& entry = entries.emplace_back();
    entry.line = static_cast<int>(next);
    if (line.starts_with('[')) heading = Trimmed(line.substr(0, line.find('#')));
    entry.heading = heading;
    if (line.starts_with('[')) continue;
    const auto equals = std::min(line.find('='), line.size());
    entry.key = equals == 0 ? "=" : Trimmed(line.substr(0, equals));
    if (equals == line.size()) continue;
    std::string right(Trimmed(line.substr(equals + 1)));
    bool open = right.starts_with('[') && !ClosesList(right);
    for (; open && next < lines.size() && !BeginsAnew(lines[next]); ++next) {
      open = !ClosesList(lines[next]);
      right += '\n' + lines[next];
    }
    entry.value = ReadValue(right);
  }
  return entries;
}

std::string TypeFault(TomlWanted wanted, const std::optional<TomlValue>& value) {
  if (!value) return R"(wants "TEXT", a number, true, false, or ["TEXT", ...])";
  if (value->listed && wanted != TomlWanted::kTexts) return "wants one value, no list";
  const auto is_good = [wanted](const TomlScalar& item) {
    switch (item.kind) {
      case Kind::kText:
        return wanted != TomlWanted::kTruth;
      case Kind::kInteger:
        return wanted == TomlWanted::kInteger || wanted == TomlWanted::kTime;
      case Kind::kFraction:
        return wanted == TomlWanted::kTime;
      case Kind::kTruth:
        return wanted == TomlWanted::kTruth;
    }
    return false;
  };
  if (std::ranges::all_of(value->items, is_good)) return "";
  switch (wanted) {
    case TomlWanted::kText:
      return "wants text in quotes";
    case TomlWanted::kTexts:
      return "wants text in quotes, or a list of such";
    case TomlWanted::kInteger:
      return "wants a whole number, or text in quotes";
    case TomlWanted::kTime:
      return R"(wants a time in quotes, "10s", or a number of seconds)";
    case TomlWanted::kTruth:
      return "wants true or false";
  }
  return "";
}

}  // namespace hydrapool::server
