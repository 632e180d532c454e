#include "loadgen/plan/replay_filter.h"

#include <fmt/format.h>
#include <regex.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "loadgen/plan/request_file.h"
#include "loadgen/plan/start_time.h"

namespace hydrapool::loadgen {
namespace {

constexpr int kLowestStatus = 100;
constexpr int kHighestStatus = 599;

std::vector<std::string_view> SplitAtCommas(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == text.npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

struct ReplayFilter::Regex {
  explicit Regex(const std::string& text)
      : error(::regcomp(&compiled, text.c_str(), REG_EXTENDED | REG_NOSUB)) {}
  ~Regex() {
    if (error == 0) ::regfree(&compiled);
  }
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  [[nodiscard]] std::string Complaint() const {
    std::array<char, 200> words{};
    ::regerror(error, &compiled, words.data(), words.size());
    return words.data();
  }

  regex_t compiled{};
  int error;
};

sys::Result<ReplayFilter> ReplayFilter::Parse(std::span<const std::string> rules) {
  ReplayFilter filter;
  for (const std::string_view rule : rules) {
    const auto equals = rule.find('=');
    const auto value = equals == rule.npos ? "" : rule.substr(equals + 1);
    if (auto error = filter.Add(rule.substr(0, equals), value))
      return sys::Failure(fmt::format("--replay-only '{}': {}", rule, error->message));
  }
  if (filter.from_ && filter.to_ && *filter.from_ >= *filter.to_)
    return sys::Failure("--replay-only: nothing comes from a time until an earlier one");
  return filter;
}

std::optional<sys::Error> ReplayFilter::Add(std::string_view name, std::string_view value) {
  const auto error = [](std::string text) { return sys::Failure(std::move(text)).value(); };
  if (name == "method") {
    for (const auto method : SplitAtCommas(value)) {
      if (!IsMethod(std::string(method))) return error(fmt::format("'{}' is no method", method));
      methods_.emplace_back(method);
    }
    return std::nullopt;
  }
  if (name == "path") {
    auto regex = std::make_shared<const Regex>(std::string(value));
    if (value.empty()) return error("an expression is missing");
    if (regex->error != 0) return error(regex->Complaint());
    paths_.push_back(std::move(regex));
    return std::nullopt;
  }
  if (name == "status") {
    for (const auto status : SplitAtCommas(value)) {
      if (!AddStatus(status)) return error(fmt::format("'{}' is no status (like 404 or 2xx)", status));
    }
    return std::nullopt;
  }
  if (name == "from" || name == "to") {
    const auto time = ParseStartTime(value);
    if (!time) return time.error();
    (name == "from" ? from_ : to_) = *time;
    return std::nullopt;
  }
  return error("not method=, path=, status=, from= or to=");
}

bool ReplayFilter::AddStatus(std::string_view text) {
  if (text.size() != 3) return false;
  const bool whole_class = text.ends_with("xx") || text.ends_with("XX");
  int number = 0;
  for (const char c : whole_class ? text.substr(0, 1) : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) return false;
    number = number * 10 + (c - '0');
  }
  const Range range = whole_class ? Range{number * 100, number * 100 + 99} : Range{number, number};
  statuses_.push_back(range);
  return range.first >= kLowestStatus && range.last <= kHighestStatus;
}

bool ReplayFilter::Passes(std::string_view method, std::string_view path, int status, sys::Nanos time) const {
  if ((from_ && time < *from_) || (to_ && time >= *to_)) return false;
  if (!methods_.empty() && std::ranges::find(methods_, method) == methods_.end()) return false;
  const auto holds = [status](const Range& range) { return status >= range.first && status <= range.last; };
  if (!statuses_.empty() && std::ranges::none_of(statuses_, holds)) return false;
  if (paths_.empty()) return true;
  const auto text = PathOf(path);
  return std::ranges::all_of(paths_, [&text](const auto& regex) {
    return ::regexec(&regex->compiled, text.c_str(), 0, nullptr, 0) == 0;
  });
}

std::string PathOf(std::string_view url) {
  const auto scheme = url.starts_with('/') ? url.npos : url.find("://");
  if (scheme == url.npos) return std::string(url);
  const auto begin = std::min(url.find_first_of("/?#", scheme + 3), url.size());
  return (url.substr(begin).starts_with('/') ? "" : "/") + std::string(url.substr(begin));
}

}  // namespace hydrapool::loadgen
