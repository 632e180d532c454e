#include "harness/fault/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace hydrapool::harness {

char JsonText::Next() {
  rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
  return rest_.empty() ? '\0' : rest_.front();
}

bool JsonText::Take(char wanted) {
  const char next = Next();
  if (next != wanted) {
    Fail(fmt::format("{} where '{}' is due", next == '\0' ? "the end" : fmt::format("'{}'", next), wanted));
    return false;
  }
  rest_.remove_prefix(1);
  return true;
}

bool JsonText::Goes(char end) {
  if (Next() == ',') return Take(',');
  Take(end);
  return false;
}

std::string_view JsonText::String() {
  if (!Take('"')) return {};
  for (std::size_t at = 0; at < rest_.size(); ++at) {
    if (rest_[at] == '\\') {
      ++at;
    } else if (rest_[at] == '"') {
      const std::string_view text = rest_.substr(0, at);
      rest_.remove_prefix(at + 1);
      return text;
    }
  }
  Fail("a string without an end");
  return {};
}

std::int64_t JsonText::Number() {
  Next();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
  if (error != std::errc{}) {
    Fail("no number");
    return 0;
  }
  rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
  if (rest_.starts_with('.') || rest_.starts_with('e') || rest_.starts_with('E')) TakeWord();
  return number;
}

void JsonText::TakeWord() { rest_.remove_prefix(std::min(rest_.find_first_of(",]} \t\r\n"), rest_.size())); }

void JsonText::Skip() {
  if (++depth_ > kDeepest) Fail("too deep");
  const char next = Next();
  if (next == '{') {
    Object([this](std::string_view) { Skip(); });
  } else if (next == '[') {
    Array([this] { Skip(); });
  } else if (next == '"') {
    String();
  } else if (std::string_view("-0123456789tfn").find(next) != std::string_view::npos) {
    TakeWord();
  } else {
    Fail("no value");
  }
  --depth_;
}

void JsonText::End() {
  if (const char next = Next(); next != '\0') Fail(fmt::format("'{}' behind the end", next));
}

void JsonText::Fail(std::string why) {
  if (error_.empty()) error_ = std::move(why);
  rest_ = {};
}

}  // namespace hydrapool::harness
