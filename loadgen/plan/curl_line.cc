#include "loadgen/plan/curl_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "loadgen/plan/http_url.h"
#include "loadgen/plan/request_file.h"
#include "loadgen/plan/text_file.h"

namespace hydrapool::loadgen {
namespace {

using Command = std::vector<std::string>;

/// Words, quotes taken off; one list for each command.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  sys::Result<std::vector<Command>> Split() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\'' || c == '"' || (c == '$' && Next() == '\'')) {
        if (!TakeQuoted()) return sys::Failure(fmt::format("a quote ({}) that does not end", c));
      } else if (c == '\\') {
        TakeEscaped();
      } else if (c == '\n' || c == ';' || c == ' ' || c == '\t' || c == '\r') {
        EndWord();
        if (c == '\n' || c == ';') EndCommand();
        ++at_;
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
    if (at_ == text_.size()) return false;
    ++at_;
    word_ = word_.value_or("") + value;
    return true;
  }
  void TakeUnlessNewline(std::string& value) const {
    if (text_[at_] != '\n') value += text_[at_];
  }
  /// Of $'…': \n, \t, \r, \xHH, \uHHHH below 128; others stand for themselves.
  void Unescape(std::string& value) {
    const char c = text_[at_];
    const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 0;
    const auto hex = text_.substr(at_ + 1, digits);
    if (digits > 0 && hex.size() == digits && hex.find_first_not_of("0123456789abcdefABCDEF") == hex.npos) {
      value += static_cast<char>(std::stoi(std::string(hex), nullptr, 16) & 0xff);
      at_ += digits;
    } else {
      value += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<std::string> word_;
  Command command_;
  std::vector<Command> commands_;
};

/// The long names of curl's short options.
const std::map<char, std::string>& LongNames() {
  static const std::map<char, std::string> kNames = {
      {'X', "request"},   {'H', "header"},      {'d', "data"},       {'u', "user"},     {'A', "user-agent"},
      {'e', "referer"},   {'b', "cookie"},      {'G', "get"},        {'I', "head"},     {'k', "insecure"},
      {'L', "location"},  {'s', "silent"},      {'S', "show-error"}, {'v', "verbose"},  {'i', "include"},
      {'f', "fail"},      {'o', "output"},      {'w', "write-out"},  {'m', "max-time"}, {'x', "proxy"},
      {'N', "no-buffer"}, {'O', "remote-name"}, {'g', "globoff"}};
  return kNames;
}

constexpr std::array<std::string_view, 13> kPassedOver = {
    "silent",      "show-error", "verbose",           "include", "fail",      "no-buffer", "globoff",
    "remote-name", "http1.1",    "no-progress-meter", "output",  "write-out", "path-as-is"};
constexpr std::array<std::string_view, 5> kForLoadgen = {"insecure", "location", "http2", "max-time",
                                                         "proxy"};
constexpr std::array<std::string_view, 16> kWithValue = {
    "request",   "header",  "data",       "data-raw", "data-binary", "data-ascii", "data-urlencode",
    "json",      "user",    "user-agent", "referer",  "cookie",      "url",        "output",
    "write-out", "max-time"};

template <typename List>
bool Has(const List& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

/// One command on its way to a request.
class Curl {
 public:
  explicit Curl(CurlLines& all) : all_(all) {}

  sys::Result<void> Read(const Command& words) {
    for (std::size_t i = 1; i < words.size(); ++i) {
      const auto& word = words[i];
      if (!word.starts_with('-') || word == "-") {
        urls_.push_back(word);
        continue;
      }
      for (auto rest = std::string_view(word).substr(1); !rest.empty();) {
        std::string name;
        if (word.starts_with("--")) {
          name = word.substr(2);
          rest = {};
        } else {
          const auto known = LongNames().find(rest.front());
          if (known == LongNames().end())
            return sys::Failure(fmt::format("curl's -{} is not known", rest.front()));
          name = known->second;
          rest.remove_prefix(1);
        }
        std::string value;
        if (TakesValue(name)) {
          value = rest;
          if (rest.empty() && ++i == words.size())
            return sys::Failure(fmt::format("curl's --{} lacks its value", name));
          if (rest.empty()) value = words[i];
          rest = {};
        }
        if (auto taken = Take(name, value); !taken) return taken;
      }
    }
    return Finish();
  }

 private:
  static bool TakesValue(std::string_view name) { return Has(kWithValue, name) || name == "proxy"; }

  sys::Result<void> Take(const std::string& name, const std::string& value) {
    if (name == "request") {
      method_ = value;
    } else if (name == "header") {
      if (!IsHeader(value)) return sys::Failure(fmt::format("'{}' is not a header", value));
      target_.headers.push_back(value);
    } else if (name == "user-agent") {
      target_.headers.push_back("User-Agent: " + value);
    } else if (name == "referer") {
      target_.headers.push_back("Referer: " + value);
    } else if (name == "cookie") {
      if (value.find('=') == value.npos) return sys::Failure("curl's -b with a file is not read");
      target_.headers.push_back("Cookie: " + value);
    } else if (name == "compressed") {
      target_.headers.push_back("Accept-Encoding: gzip, deflate");
    } else if (name == "user") {
      user_ = value;
    } else if (name == "url") {
      urls_.push_back(value);
    } else if (name == "get") {
      get_ = true;
    } else if (name == "head") {
      method_ = "HEAD";
    } else if (name.starts_with("data") || name == "json") {
      return TakeData(name, value);
    } else if (Has(kForLoadgen, name)) {
      all_.notes.push_back(
          fmt::format("--{}{}: for loadgen's own command line", name, value.empty() ? "" : " " + value));
    } else if (!Has(kPassedOver, name)) {
      return sys::Failure(fmt::format("curl's --{} is not known", name));
    }
    return {};
  }

  sys::Result<void> TakeData(const std::string& name, const std::string& value) {
    if (name == "data-urlencode")
      return sys::Failure("curl's --data-urlencode is not known: give the encoded text");
    std::string part = value;
    if (value.starts_with('@') && name != "data-raw") {
      auto read = ReadWholeFile(value.substr(1));
      if (!read) return tl::unexpected(read.error());
      part = std::move(*read);
      if (name == "data" || name == "data-ascii")
        std::erase_if(part, [](char c) { return c == '\n' || c == '\r'; });
    }
    data_ = data_ ? *data_ + (name == "json" ? "" : "&") + part : part;
    if (name == "json") {
      target_.headers.emplace_back("Content-Type: application/json");
      target_.headers.emplace_back("Accept: application/json");
    }
    return {};
  }

  sys::Result<void> Finish() {
    if (urls_.empty()) return sys::Failure("curl without a URL");
    if (data_ && !get_) target_.body = *data_;
    target_.method = !method_.empty() ? method_ : target_.body ? "POST" : "GET";
    if (!IsMethod(target_.method)) return sys::Failure(fmt::format("'{}' is not a method", target_.method));
    for (auto url : urls_) {
      if (get_ && data_) url += (url.find('?') == url.npos ? "?" : "&") + *data_;
      const auto parsed = ParseHttpUrl(url);
      if (!parsed) return tl::unexpected(parsed.error());
      auto target = target_;
      target.url = parsed->full;
      target.user = user_.empty() ? parsed->user : user_;
      all_.targets.push_back(std::move(target));
    }
    return {};
  }

  CurlLines& all_;
  Target target_;
  std::string method_;
  std::string user_;
  std::vector<std::string> urls_;
  std::optional<std::string> data_;
  bool get_ = false;
};

}  // namespace

sys::Result<CurlLines> ParseCurlLines(std::string_view text) {
  const auto commands = Words(text).Split();
  if (!commands) return tl::unexpected(commands.error());
  CurlLines lines;
  for (const auto& command : *commands) {
    if (command.front().starts_with('#')) continue;
    if (command.front() != "curl")
      return sys::Failure(fmt::format("'{}' is no curl command", command.front()));
    if (auto read = Curl(lines).Read(command); !read) return tl::unexpected(read.error());
  }
  if (lines.targets.empty()) return sys::Failure("no curl command");
  return lines;
}

}  // namespace hydrapool::loadgen
