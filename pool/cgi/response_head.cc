#include "pool/cgi/response_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "pool/http/text.h"

namespace hydrapool::cgi {
namespace {

constexpr std::array<std::string_view, 6> kNotForwarded{
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade",
};

constexpr std::size_t kVersion = std::string_view("HTTP/1.1").size();

/// Gathers fields, one line at a time; each call answers with why not, or an empty view.
class HeadBuilder {
 public:
  explicit HeadBuilder(HeadReading reading) : strict_(reading == HeadReading::kStrict) {}

  std::string_view AddLine(std::string_view line) {
    const bool is_first = std::exchange(is_first_, false);
    const bool is_status = is_first && !strict_ && std::holds_alternative<int>(ParseRawStatus(line));
    const auto colon = is_status ? kVersion : line.find(':');
    if (colon == 0 || colon == line.npos) return "a line that is no header field";
    const auto name = is_status ? "Status" : line.substr(0, colon);
    if (!std::ranges::all_of(name, [](char c) { return http::Is(http::kTokenChar, c); })) {
      return "a header field name with white space or other foreign characters";
    }
    const auto value = http::TrimBlanks(line.substr(colon + 1));
    if (!std::ranges::all_of(value, [](char c) { return http::Is(http::kValueChar, c); })) {
      return "a control character in the head";
    }
    return AddField(name, value);
  }

  std::string_view Finish(std::size_t head_size) {
    if (strict_ && !has_status_ && !has_type_ && !has_location_)
      return "neither Content-Type nor Location nor Status";
    head_.head_size = head_size;
    if (has_location_) head_.kind = KindOfRedirect();
    if (has_location_ && !has_status_ && head_.kind != ResponseKind::kLocalRedirect) head_.status = 302;
    return {};
  }

  ResponseHead Take() { return std::move(head_); }

 private:
  std::string_view AddField(std::string_view name, std::string_view value) {
    if (http::EqualsIgnoringCase(name, "status")) return SetStatus(value);
    if (http::EqualsIgnoringCase(name, "content-type")) {
      if (value.empty() && !strict_) return {};
      return SetOnce(has_type_, head_.content_type, value, "an empty or repeated Content-Type");
    }
    if (http::EqualsIgnoringCase(name, "location")) {
      return SetOnce(has_location_, head_.location, value, "an empty or repeated Location");
    }
    if (http::EqualsIgnoringCase(name, "content-length")) return SetLength(value);
    if (http::EqualsIgnoringCase(name, "transfer-encoding")) return SetCoding(value);
    if (http::EqualsIgnoringCase(name, "set-cookie")) has_cookie_ = true;
    const auto is_name = [&](std::string_view one) { return http::EqualsIgnoringCase(name, one); };
    if (std::ranges::none_of(kNotForwarded, is_name)) head_.fields.push_back({name, value});
    return {};
  }

  static std::string_view SetOnce(bool& has, std::string_view& target, std::string_view value,
                                  std::string_view why_not) {
    if (has || value.empty()) return why_not;
    has = true;
    target = value;
    return {};
  }

  std::string_view SetStatus(std::string_view value) {
    if (has_status_) return "a repeated Status";
    has_status_ = true;
    const auto digits = value.substr(0, 3);
    const bool has_three = digits.size() == 3 &&
                           std::ranges::all_of(digits, [](char c) { return http::Is(http::kDigitChar, c); });
    if (!has_three || (value.size() > 3 && value[3] != ' ')) return "a Status that is not three digits";
    head_.status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
    if (head_.status < 200 || head_.status > 599) return "a Status outside 200 to 599";
    head_.reason = http::TrimBlanks(value.substr(3));
    return {};
  }

  std::string_view SetLength(std::string_view value) {
    std::uint64_t length = 0;
    const auto* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, length);
    if (value.empty() || error != std::errc() || stop != end) return "a Content-Length that is no number";
    if (head_.content_length && *head_.content_length != length) return "two different Content-Lengths";
    head_.content_length = length;
    return {};
  }

  std::string_view SetCoding(std::string_view value) {
    if (value.empty() || http::EqualsIgnoringCase(value, "identity")) return {};
    if (!http::EqualsIgnoringCase(value, "chunked")) return "a Transfer-Encoding other than chunked";
    if (head_.chunked) return "a repeated Transfer-Encoding";
    head_.chunked = true;
    return {};
  }

  [[nodiscard]] ResponseKind KindOfRedirect() const {
    const std::string_view path = head_.location.substr(0, head_.location.find('?'));
    const bool is_local =
        path.starts_with('/') && !path.starts_with("//") && path.find('\\') == path.npos &&
        std::ranges::all_of(head_.location, [](char c) { return http::Is(http::kTargetChar, c); });
    if (!has_status_ && is_local && !has_cookie_) return ResponseKind::kLocalRedirect;
    if (has_status_ && head_.status / 100 != 3) return ResponseKind::kDocument;
    return has_type_ ? ResponseKind::kClientRedirectDocument : ResponseKind::kClientRedirect;
  }

  ResponseHead head_;
  const bool strict_;
  bool is_first_ = true;  // the line to come
  bool has_cookie_ = false;
  bool has_status_ = false;
  bool has_type_ = false;
  bool has_location_ = false;
};

}  // namespace

std::variant<http::NeedMore, ResponseHead, Malformed> ParseResponseHead(std::string_view so_far,
                                                                        HeadReading reading) {
  const auto window = so_far.substr(0, kMaxResponseHead);
  HeadBuilder builder(reading);
  for (std::size_t begin = 0;;) {
    const auto newline = window.find('\n', begin);
    if (newline == window.npos) {
      if (window.size() == kMaxResponseHead) return Malformed{"a head without an end in the first 64 KiB"};
      return http::NeedMore{};
    }
    auto line = window.substr(begin, newline - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    begin = newline + 1;
    const auto why_not = line.empty() ? builder.Finish(begin) : builder.AddLine(line);
    if (!why_not.empty()) return Malformed{why_not};
    if (line.empty()) return builder.Take();
  }
}

std::variant<http::NeedMore, int, Malformed> ParseRawStatus(std::string_view so_far) {
  constexpr std::string_view form = "HTTP/d.d ddd";
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (i == so_far.size()) return http::NeedMore{};
    const bool fits = form[i] == 'd' ? http::Is(http::kDigitChar, so_far[i]) : so_far[i] == form[i];
    if (!fits) return Malformed{"no status line, which an nph- program must begin with"};
  }
  return (so_far[9] - '0') * 100 + (so_far[10] - '0') * 10 + (so_far[11] - '0');
}

}  // namespace hydrapool::cgi
