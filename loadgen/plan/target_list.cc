#include "loadgen/plan/target_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "loadgen/plan/http_url.h"
#include "loadgen/plan/units.h"

namespace hydrapool::loadgen {
namespace {

constexpr unsigned kMostWeight = 10'000;

struct Target {
  std::string url;
  std::optional<double> rate = {};
  unsigned weight = 1;
};

sys::Result<unsigned> ParseWeight(std::string_view text) {
  unsigned weight = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, weight);
  if (error != std::errc() || stop != end || !IsWeight(weight)) {
    return sys::Failure(fmt::format("'{}' is not a weight (1 to {})", text, kMostWeight));
  }
  return weight;
}

sys::Result<Target> ParseTarget(const std::string& text) {
  const auto space = std::min(text.find(' '), text.size());
  Target target{.url = text.substr(0, space)};
  const auto share = std::string_view(text).substr(std::min(text.find_first_not_of(' ', space), text.size()));
  if (share.starts_with("rate=")) {
    const auto rate = ParseRate(share.substr(5));
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

bool IsWeight(std::uint64_t weight) { return weight >= 1 && weight <= kMostWeight; }

sys::Result<void> FillTargets(const std::vector<std::string>& urls, const std::vector<std::string>& targets,
                              Plan& plan) {
  std::vector<Target> all;
  for (const auto& url : urls) all.push_back({.url = url});
  for (const auto& text : targets) {
    auto target = ParseTarget(text);
    if (!target) return tl::unexpected(target.error());
    all.push_back(std::move(*target));
  }
  if (all.empty()) return sys::Failure("a URL is required");
  double sum = 0;
  for (auto& target : all) {
    auto url = ParseHttpUrl(target.url);
    if (!url) return tl::unexpected(url.error());
    plan.urls.push_back(std::move(url->full));
    plan.users.push_back(std::move(url->user));
    plan.weights.push_back(target.weight);
    if (target.rate) plan.rates.push_back(*target.rate);
    sum += target.rate.value_or(0);
  }
  if (plan.rates.empty()) return {};
  if (plan.rates.size() != all.size()) return sys::Failure("either all URLs have a rate, or none has");
  plan.rate = sum;
  return {};
}

}  // namespace hydrapool::loadgen
