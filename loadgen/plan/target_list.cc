#include "loadgen/plan/target_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "loadgen/plan/http_url.h"
#include "pool/sys/units.h"

namespace hydrapool::loadgen {
namespace {

constexpr unsigned kMostWeight = 10'000;

sys::Result<unsigned> ParseWeight(std::string_view text) {
  unsigned weight = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, weight);
  if (error != std::errc() || stop != end || !IsWeight(weight)) {
    return sys::Failure(fmt::format("'{}' is not a weight (1 to {})", text, kMostWeight));
  }
  return weight;
}

sys::Result<Target> ParseTarget(const std::string& text, const Target& like) {
  const auto space = std::min(text.find(' '), text.size());
  auto target = like;
  target.url = text.substr(0, space);
  const auto share = std::string_view(text).substr(std::min(text.find_first_not_of(' ', space), text.size()));
  if (share.starts_with("rate=")) {
    const auto rate = sys::ParseRate(share.substr(5));
    if (!rate) return tl::unexpected(rate.error());
    target.rate = *rate;
  } else if (share.starts_with("weight=")) {
    const auto weight = ParseWeight(share.substr(7));
    if (!weight) return tl::unexpected(weight.error());
    target.weight = *weight;
  } else if (!share.empty()) {
    return sys::Failure(fmt::format("--target '{}': behind the URL only rate=RATE or weight=N", text));
  }
  return target;
}

}  // namespace

std::vector<std::string> TargetNames(const Plan& plan) {
  std::vector<std::string> names;
  for (const auto& target : plan.targets) names.push_back(target.name.empty() ? target.url : target.name);
  return names;
}

std::string TakeCommonOrigin(std::vector<std::string>& names) {
  if (names.empty()) return {};
  const auto scheme = names.front().find("://");
  const auto path = scheme == std::string::npos ? scheme : names.front().find('/', scheme + 3);
  if (path == std::string::npos) return {};
  const auto origin = names.front().substr(0, path);
  if (!std::ranges::all_of(names, [&](const std::string& name) { return name.starts_with(origin + "/"); }))
    return {};
  for (auto& name : names) name.erase(0, path);
  return origin;
}

bool IsWeight(std::uint64_t weight) { return weight >= 1 && weight <= kMostWeight; }

sys::Result<void> FillTargets(const std::vector<std::string>& urls, const std::vector<std::string>& targets,
                              const Target& like, Plan& plan) {
  auto& all = plan.targets;
  for (const auto& url : urls) all.emplace_back(like).url = url;
  for (const auto& text : targets) {
    auto target = ParseTarget(text, like);
    if (!target) return tl::unexpected(target.error());
    all.push_back(std::move(*target));
  }
  if (all.empty()) return sys::Failure("a URL is required");
  double sum = 0;
  for (auto& target : all) {
    auto url = ParseHttpUrl(target.url, {}, DotsOf(plan));
    if (!url) return tl::unexpected(url.error());
    target.url = std::move(url->full);
    target.user = std::move(url->user);
    if (target.rate.has_value() != HasRates(plan))
      return sys::Failure("either all URLs have a rate, or none has");
    sum += target.rate.value_or(0);
  }
  if (HasRates(plan)) plan.arrivals.rate = sum;
  return {};
}

}  // namespace hydrapool::loadgen
