#include "loadgen/plan/shell_words.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <utility>

namespace hydrapool::loadgen {
namespace {

void AppendUtf8(std::uint32_t code, std::string& to) {
  const auto rest = [&](unsigned shift) { to += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    to += static_cast<char>(code);
  } else if (code < 0x800) {
    to += static_cast<char>(0xC0 | (code >> 6));
    rest(0);
  } else if (code < 0x10000) {
    to += static_cast<char>(0xE0 | (code >> 12));
    rest(6);
    rest(0);
  } else {
    to += static_cast<char>(0xF0 | (code >> 18));
    rest(12);
    rest(6);
    rest(0);
  }
}

class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  sys::Result<std::vector<ShellCommand>> Split() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\'' || c == '"' || (c == '$' && Next() == '\'')) {
        if (!TakeQuoted()) return sys::Failure(fmt::format("a quote ({}) that does not end", c));
      } else if (c == '\\') {
        TakeEscaped();
      } else if (c == '#' && !word_) {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (std::string_view("\n; \t\r&").find(c) != std::string_view::npos) {
        EndWord();
        if (c == '&' && Next() != '&') return NotRead(c);
        if (c == '\n' || c == ';' || c == '&') EndCommand();
        at_ += c == '&' ? 2 : 1;
      } else if (std::string_view("|<>()`").find(c) != std::string_view::npos) {
        return NotRead(c);
      } else {
        word_ = word_.value_or("") + c;
        ++at_;
      }
    }
    EndWord();
    EndCommand();
    return std::move(commands_);
  }

 private:
  static tl::unexpected<sys::Error> NotRead(char c) {
    return sys::Failure(
        fmt::format("'{}' outside quotes is for the shell: only commands without it are read", c));
  }
  [[nodiscard]] char Next() const { return at_ + 1 < text_.size() ? text_[at_ + 1] : '\0'; }
  void EndWord() {
    if (word_) command_.push_back(*std::exchange(word_, std::nullopt));
  }
  void EndCommand() {
    if (!command_.empty()) commands_.push_back(std::exchange(command_, {}));
  }
  void TakeEscaped() {
    const bool joins = Next() == '\n' || (Next() == '\r' && at_ + 2 < text_.size() && text_[at_ + 2] == '\n');
    if (joins) {
      at_ += Next() == '\n' ? 2 : 3;
    } else {
      if (at_ + 1 < text_.size()) word_ = word_.value_or("") + Next();
      at_ += 2;
    }
  }
  bool TakeQuoted() {
    const bool escapes = text_[at_] == '$';
    const char quote = escapes ? '\'' : text_[at_];
    const bool plain = quote == '\'' && !escapes;
    at_ += escapes ? 2 : 1;
    std::string value;
    for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
      const bool special =
          escapes || (quote == '"' && std::string_view("\"\\$`\n").find(Next()) != std::string_view::npos);
      if (text_[at_] != '\\' || plain || !special) {
        value += text_[at_];
      } else {
        ++at_;
        if (at_ < text_.size()) escapes ? Unescape(value) : TakeUnlessNewline(value);
      }
    }
    if (at_ >= text_.size()) return false;
    ++at_;
    word_ = word_.value_or("") + value;
    return true;
  }
  void TakeUnlessNewline(std::string& value) const {
    if (text_[at_] != '\n') value += text_[at_];
  }
  /// Of $'…': \n, \t, \r, \xHH, \uHHHH and two of these for what UTF-16 has in pairs; others stand for
  /// themselves.
  void Unescape(std::string& value) {
    const char c = text_[at_];
    if (const auto byte = c == 'x' ? Hex(at_ + 1, 2) : std::nullopt) {
      value += static_cast<char>(*byte);
      at_ += 2;
    } else if (const auto unit = c == 'u' ? Hex(at_ + 1, 4) : std::nullopt) {
      at_ += 4;
      const bool high = (*unit & 0xFC00U) == 0xD800;
      const auto low = high && text_.substr(at_ + 1, 2) == "\\u" ? Hex(at_ + 3, 4) : std::nullopt;
      const bool pair = low && (*low & 0xFC00U) == 0xDC00;
      if (pair) at_ += 6;
      AppendUtf8(pair ? 0x10000 + ((*unit & 0x3FFU) << 10U) + (*low & 0x3FFU) : *unit, value);
    } else {
      value += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
    }
  }
  [[nodiscard]] std::optional<std::uint32_t> Hex(std::size_t at, std::size_t digits) const {
    const auto hex = at <= text_.size() ? text_.substr(at, digits) : "";
    if (hex.size() != digits || hex.find_first_not_of("0123456789abcdefABCDEF") != hex.npos)
      return std::nullopt;
    return static_cast<std::uint32_t>(std::stoul(std::string(hex), nullptr, 16));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<std::string> word_;
  ShellCommand command_;
  std::vector<ShellCommand> commands_;
};

}  // namespace

sys::Result<std::vector<ShellCommand>> SplitShellWords(std::string_view text) { return Words(text).Split(); }

}  // namespace hydrapool::loadgen
