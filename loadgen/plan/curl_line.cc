#include "loadgen/plan/curl_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "loadgen/plan/form_text.h"
#include "loadgen/plan/header_lines.h"
#include "loadgen/plan/http_url.h"
#include "loadgen/plan/request_file.h"
#include "loadgen/plan/shell_words.h"
#include "loadgen/plan/text_file.h"

namespace hydrapool::loadgen {
namespace {

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

constexpr std::array<std::string_view, 12> kPassedOver = {
    "silent",      "show-error", "verbose",           "include", "fail",      "no-buffer",
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

  sys::Result<void> Read(const ShellCommand& words) {
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
      made_.push_back("User-Agent: " + value);
    } else if (name == "referer") {
      made_.push_back("Referer: " + value);
    } else if (name == "cookie") {
      if (value.find('=') == value.npos) return sys::Failure("curl's -b with a file is not read");
      cookies_ += (cookies_.empty() ? "" : "; ") + value;
    } else if (name == "compressed") {
      made_.emplace_back("Accept-Encoding: gzip, deflate");
    } else if (name == "globoff") {
      globs_ = false;
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
    auto part = name == "data-urlencode" ? EncodedPart(value) : sys::Result<std::string>(value);
    if (name != "data-raw" && name != "data-urlencode" && value.starts_with('@'))
      part = ReadWholeFile(value.substr(1));
    if (!part) return tl::unexpected(part.error());
    if (value.starts_with('@') && (name == "data" || name == "data-ascii"))
      std::erase_if(*part, [](char c) { return c == '\n' || c == '\r'; });
    if (name == "json" && !data_) {
      made_.emplace_back("Content-Type: application/json");
      made_.emplace_back("Accept: application/json");
    }
    data_ = data_ ? *data_ + (name == "json" ? "" : "&") + *part : *part;
    return {};
  }

  /// Of "TEXT", "=TEXT", "NAME=TEXT", "@FILE" and "NAME@FILE".
  static sys::Result<std::string> EncodedPart(const std::string& value) {
    const auto mark = value.find_first_of("=@");
    if (mark == value.npos) return PercentEncoded(value);
    const auto name = value.substr(0, mark);
    auto text = sys::Result<std::string>(value.substr(mark + 1));
    if (value[mark] == '@') text = ReadWholeFile(*text);
    if (!text) return text;
    return (name.empty() ? "" : name + "=") + PercentEncoded(*text);
  }

  /// Without the backslashes that keep curl from making several URLs of one; nothing where it would.
  [[nodiscard]] std::optional<std::string> WithoutGlobs(const std::string& url) const {
    if (!globs_) return url;
    std::string one;
    for (std::size_t i = 0; i < url.size(); ++i) {
      const bool escaped = url[i] == '\\' && i + 1 < url.size() &&
                           std::string_view("[]{}").find(url[i + 1]) != std::string_view::npos;
      if (escaped) ++i;
      const auto end = url.find(']', i);
      const bool range = url[i] == '[' && end != url.npos && url.substr(i, end - i).find('-') != url.npos;
      if (!escaped && (url[i] == '{' || range)) return std::nullopt;
      one.push_back(url[i]);
    }
    return one;
  }

  sys::Result<void> Finish() {
    if (urls_.empty()) return sys::Failure("curl without a URL");
    if (data_ && !get_) target_.body = *data_;
    target_.method = !method_.empty() ? method_ : target_.body ? "POST" : "GET";
    if (!IsMethod(target_.method)) return sys::Failure(fmt::format("'{}' is not a method", target_.method));
    if (!cookies_.empty()) made_.push_back("Cookie: " + cookies_);
    for (auto& header : made_) {
      if (!Mentions(target_, NameOf(header))) target_.headers.push_back(std::move(header));
    }
    for (const auto& given : urls_) {
      const auto whole = WithoutGlobs(given);
      if (!whole)
        return sys::Failure(
            fmt::format("curl would make several URLs of '{}': give them one by one, or -g with it", given));
      auto url = *whole;
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
  std::string cookies_;
  std::vector<std::string> made_;  // headers of other options, where -H has none of the name
  std::vector<std::string> urls_;
  std::optional<std::string> data_;
  bool get_ = false;
  bool globs_ = true;
};

}  // namespace

sys::Result<CurlLines> ParseCurlLines(std::string_view text) {
  const auto commands = SplitShellWords(text);
  if (!commands) return tl::unexpected(commands.error());
  CurlLines lines;
  for (const auto& command : *commands) {
    if (command.front() != "curl")
      return sys::Failure(fmt::format("'{}' is no curl command", command.front()));
    if (auto read = Curl(lines).Read(command); !read) {
      if (commands->size() == 1) return tl::unexpected(read.error());
      return sys::Failure(
          fmt::format("command {}: {}", &command - commands->data() + 1, read.error().message));
    }
  }
  if (lines.targets.empty()) return sys::Failure("no curl command");
  return lines;
}

}  // namespace hydrapool::loadgen
