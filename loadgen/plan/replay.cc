#include "loadgen/plan/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "loadgen/plan/access_log.h"
#include "loadgen/plan/har_file.h"
#include "loadgen/plan/header_lines.h"
#include "loadgen/plan/http_url.h"
#include "loadgen/plan/request_file.h"
#include "loadgen/plan/text_file.h"
#include "loadgen/plan/text_template.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kMostTargets = 1'000'000;

struct Timed {
  sys::Nanos time = 0;
  std::uint32_t target = 0;
};

/// What a log makes of a plan, request by request.
class Replayer {
 public:
  Replayer(const HttpUrl& base, const std::vector<std::string>& headers, const ReplayRules& rules, Plan& plan)
      : base_(base), headers_(headers), rules_(rules), plan_(plan) {}

  sys::Result<void> Take(const HarEntry& entry) {
    if (!rules_.only.Passes(entry.target.method, entry.target.url, entry.status, entry.time))
      return Skip(unwanted_);
    if (!rules_.unsafe && !IsSafe(entry.target.method)) return Skip(unsafe_);
    if (!entry.lacks.empty()) return Skip(bodiless_);
    const auto url = base_.full.empty() ? ParseHttpUrl(Literal(entry.target.url), {}, DotsOf(plan_))
                                        : AtBase(PathOf(entry.target.url));
    if (!url) return Skip(unusable_);
    auto target = entry.target;
    target.url = url->full;
    target.user = base_.user;
    for (auto& header : target.headers) header = Literal(header);
    Replace(target.headers, headers_);
    return Add({.time = entry.time}, std::move(target));
  }
  /// What is no request.
  void LeaveOut(std::uint64_t more) { unusable_ += more; }
  sys::Result<void> TakeLine(std::string_view line) {
    if (line.empty()) return {};
    auto logged = ParseAccessLine(line);
    if (!logged) return Skip(unusable_);
    if (!rules_.only.Passes(logged->method, logged->target, logged->status, logged->time))
      return Skip(unwanted_);
    if (!rules_.unsafe && !IsSafe(logged->method)) return Skip(unsafe_);
    if (!logged->target.starts_with('/')) {
      const auto own = ParseHttpUrl(logged->target);
      if (!own) return Skip(unusable_);
      if (own->scheme != base_.scheme || own->authority != base_.authority) return Skip(elsewhere_);
    }
    const Timed timed{.time = logged->time};
    const auto known = by_request_.find({logged->method, logged->target});
    if (known != by_request_.end()) {
      requests_.push_back({timed.time, known->second});
      return {};
    }
    auto url = AtBase(PathOf(logged->target));
    if (!url) return Skip(unusable_);
    Target target{
        .url = std::move(url->full), .user = base_.user, .method = logged->method, .headers = headers_};
    if (NeedsBody(target.method)) target.body = "";
    by_request_[{std::move(logged->method), std::move(logged->target)}] =
        static_cast<std::uint32_t>(plan_.targets.size());
    return Add(timed, std::move(target));
  }

  [[nodiscard]] bool empty() const { return requests_.empty(); }
  [[nodiscard]] std::string Skipped() const {
    if (unsafe_ + unusable_ + elsewhere_ + unwanted_ + bodiless_ == 0) return {};
    const auto elsewhere = elsewhere_ == 0 ? "" : fmt::format(", and {} to another host", elsewhere_);
    const auto bodiless =
        bodiless_ == 0 ? "" : fmt::format(", and {} whose body the archive does not have", bodiless_);
    const auto unwanted = unwanted_ == 0 ? "" : fmt::format(", and {} by --replay-only", unwanted_);
    return fmt::format(
        "of {} requests {} are replayed; left out were {} that may change something "
        "(--replay-unsafe) and {} lines that are no request{}{}{}",
        requests_.size() + unsafe_ + elsewhere_ + unwanted_ + bodiless_, requests_.size(), unsafe_, unusable_,
        elsewhere, bodiless, unwanted);
  }
  Replay Finish() {
    std::ranges::stable_sort(requests_, {}, &Timed::time);
    Spread();
    Replay replay{.left_out = Skipped()};
    for (const auto& request : requests_) {
      const auto since = static_cast<double>(request.time - requests_.front().time);
      replay.requests.push_back({static_cast<sys::Nanos>(since / rules_.speed), request.target});
    }
    return replay;
  }

 private:
  static sys::Result<void> Skip(std::uint64_t& count) {
    ++count;
    return {};
  }
  sys::Result<void> Add(Timed timed, Target target) {
    if (plan_.targets.size() == kMostTargets)
      return sys::Failure(fmt::format("more than {} different requests", kMostTargets));
    timed.target = static_cast<std::uint32_t>(plan_.targets.size());
    plan_.targets.push_back(std::move(target));
    requests_.push_back(timed);
    return {};
  }
  /// As text, so that no path ("//other/") leads away from there.
  [[nodiscard]] sys::Result<HttpUrl> AtBase(const std::string& path) const {
    if (!path.starts_with('/')) return sys::Failure(path + " is no path");
    return ParseHttpUrl(fmt::format("{}://{}{}", base_.scheme, base_.authority, Literal(path)), {},
                        DotsOf(plan_));
  }
  /// Over their second, where the log knows no time but by the second.
  void Spread() {
    const auto whole = [](const Timed& request) { return request.time % sys::kSecond == 0; };
    if (!std::ranges::all_of(requests_, whole)) return;
    for (std::size_t begin = 0; begin < requests_.size();) {
      auto end = begin;
      while (end < requests_.size() && requests_[end].time == requests_[begin].time) ++end;
      const auto n = static_cast<sys::Nanos>(end - begin);
      for (auto i = begin; i < end; ++i)
        requests_[i].time += static_cast<sys::Nanos>(i - begin) * sys::kSecond / n;
      begin = end;
    }
  }

  const HttpUrl& base_;
  const std::vector<std::string>& headers_;
  const ReplayRules& rules_;
  Plan& plan_;
  std::vector<Timed> requests_;
  std::map<std::pair<std::string, std::string>, std::uint32_t> by_request_;
  std::uint64_t unsafe_ = 0;
  std::uint64_t unusable_ = 0;
  std::uint64_t elsewhere_ = 0;
  std::uint64_t unwanted_ = 0;
  std::uint64_t bodiless_ = 0;
};

sys::Result<void> TakeAll(std::string_view text, Replayer& replayer) {
  if (LooksLikeHar(text)) {
    const auto file = ParseHar(text);
    if (!file) return tl::unexpected(file.error());
    replayer.LeaveOut(file->others);
    for (const auto& entry : file->entries) {
      if (auto taken = replayer.Take(entry); !taken) return taken;
    }
    return {};
  }
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (auto taken = replayer.TakeLine(line); !taken) return taken;
  }
  return {};
}

}  // namespace

std::uint64_t Replay::DueBefore(sys::Nanos elapsed) const {
  return static_cast<std::uint64_t>(std::ranges::lower_bound(requests, elapsed, {}, &Request::due) -
                                    requests.begin());
}

sys::Result<void> FillReplay(const std::string& path, const std::string& base,
                             const std::vector<std::string>& headers, const ReplayRules& rules, Plan& plan) {
  const auto whole = base.empty() ? HttpUrl{} : ParseHttpUrl(base);
  if (!whole) return tl::unexpected(whole.error());
  const auto text = ReadText(path);
  if (!text) return tl::unexpected(text.error());
  if (base.empty() && !LooksLikeHar(*text))
    return sys::Failure("--replay of an access log needs the URL to which its requests go");
  Replayer replayer(*whole, headers, rules, plan);
  if (auto taken = TakeAll(*text, replayer); !taken)
    return sys::Failure(fmt::format("{}: {}", path, taken.error().message));
  if (replayer.empty()) {
    const auto skipped = replayer.Skipped();
    return sys::Failure(path + " has no requests to replay" + (skipped.empty() ? "" : ": " + skipped));
  }
  auto replay = replayer.Finish();
  const auto lasts = replay.requests.back().due + sys::kMillisecond;
  plan.arrivals.rate = static_cast<double>(replay.requests.size()) / sys::ToSeconds(lasts);
  plan.arrivals.duration = lasts;
  plan.arrivals.replay = std::make_shared<const Replay>(std::move(replay));
  return {};
}

}  // namespace hydrapool::loadgen
