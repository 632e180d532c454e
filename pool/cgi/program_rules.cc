#include "pool/cgi/program_rules.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "pool/cgi/percent.h"
#include "pool/cgi/script_path.h"
#include "pool/sys/units.h"

namespace hydrapool::cgi {
namespace {

std::optional<rlim_t> Count(std::string_view text, bool bytes) {
  rlim_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit.empty()) return count;
  constexpr std::string_view kUnits = "KMGT";
  const auto power = kUnits.find(unit.front());
  if (!bytes || power == kUnits.npos || unit.size() > 1) return std::nullopt;
  const auto shift = 10 * (power + 1);
  return count << shift >> shift == count ? std::optional(count << shift) : std::nullopt;
}

std::optional<rlim_t> Seconds(const std::string& text) {
  const auto time = sys::ParseDuration(text);
  if (!time || *time < sys::kSecond) return std::nullopt;
  return static_cast<rlim_t>((*time + sys::kSecond - 1) / sys::kSecond);
}

bool Set(ResourceLimits& limits, const std::string& name, const std::string& value) {
  const auto count = Count(value, name != "nproc" && name != "nofile" && name != "tasks-max");
  if (name == "cpu") return (limits.cpu_seconds = Seconds(value)).has_value();
  if (!count) return false;
  if (name == "core") limits.core_bytes = *count;
  if (name == "nofile") limits.open_files = *count;
  if (name == "as") limits.address_space_bytes = *count;
  if (name == "fsize") limits.file_bytes = *count;
  if (name == "nproc") limits.processes = *count;
  if (name == "memory-max") limits.together.memory_max = *count;
  if (name == "tasks-max") limits.together.tasks_max = *count;
  return true;
}

constexpr rlim_t kMostPrograms = 100'000;
constexpr std::array<std::string_view, 8> kLimits{"cpu",    "as",   "fsize",      "nproc",
                                                  "nofile", "core", "memory-max", "tasks-max"};

bool Apply(const ProgramRule& rule, ProgramSettings& settings) {
  if (rule.key == "env") {
    const auto equals = rule.value.find('=');
    if (equals == 0 || equals == rule.value.npos) return false;
    settings.environment.push_back(rule.value);
    return true;
  }
  if (rule.key == "limit") return SetLimit(settings.limits, rule.value).has_value();
  if (rule.key == "user") {
    settings.user = rule.value;
    return !rule.value.empty();
  }
  if (rule.key == "max-cgi") {
    const auto most = Count(rule.value, false);
    if (!most || *most == 0 || *most > kMostPrograms) return false;
    settings.most_processes = static_cast<std::uint32_t>(*most);
    settings.most_processes_at = rule.at + '/';
    return true;
  }
  const auto time = sys::ParseDuration(rule.value);
  if (rule.key != "timeout" || !time) return false;
  settings.patience = *time;
  return *time >= 100 * sys::kMillisecond && *time <= 24 * 3600 * sys::kSecond;
}

bool Holds(const std::string& at, std::string_view folded) {
  if (!folded.starts_with(at)) return false;
  return folded.size() == at.size() || folded[at.size()] == '/';
}

/// Without a slash at its end.
std::string Stem(const Mount& mount) { return Folded(mount.at); }

}  // namespace

sys::Result<void> SetLimit(ResourceLimits& limits, const std::string& text) {
  const auto equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const bool known = std::ranges::find(kLimits, name) != kLimits.end();
  if (!known || equals == text.npos || !Set(limits, name, text.substr(equals + 1))) {
    return sys::Failure(
        "'" + text +
        "' is no limit: cpu=10s, as=512M, fsize=1G, nproc=64, nofile=256, core=0, memory-max=512M or "
        "tasks-max=64");
  }
  return {};
}

sys::Result<ProgramRule> ProgramRule::Parse(const std::string& text) {
  const auto equals = text.find('=');
  const auto colon = equals == text.npos ? text.npos : text.find(':', equals);
  const auto fault =
      sys::Failure("'" + text +
                   "' is not /PATH=KEY:VALUE with env:NAME=VALUE, timeout:TIME (100ms to 24h), "
                   "limit:NAME=VALUE, user:NAME[:GROUP] or max-cgi:N");
  if (colon == text.npos || !text.starts_with('/')) return fault;
  if (HasEscape(text.substr(0, equals)))
    return sys::Failure("'" + text + "': a path is given without escapes ('%20' is ' ')");
  ProgramRule rule{.at = Folded(text.substr(0, equals)),
                   .key = text.substr(equals + 1, colon - equals - 1),
                   .value = text.substr(colon + 1)};
  if (rule.at == "/") rule.at.clear();
  ProgramSettings ignored;
  if (!Apply(rule, ignored)) return fault;
  return rule;
}

bool HasPrograms(const ProgramRule& rule, const std::vector<Mount>& mounts) {
  const bool interprets = std::ranges::find(mounts, Mount::Kind::kWith, &Mount::kind) != mounts.end();
  return std::ranges::any_of(mounts, [&](const Mount& mount) {
    if (mount.kind == Mount::Kind::kWith || (mount.kind == Mount::Kind::kFiles && !interprets)) return false;
    if (Holds(rule.at, Stem(mount))) return true;
    const auto is_nearer = [&](const Mount& other) {
      return other.kind != Mount::Kind::kWith && other.host == mount.host && Holds(Stem(other), rule.at) &&
             Stem(other).size() > Stem(mount).size();
    };
    return Holds(Stem(mount), rule.at) && std::ranges::none_of(mounts, is_nearer);
  });
}

ProcessCgroups::Controllers ControllersFor(const ResourceLimits& all, const std::vector<ProgramRule>& rules) {
  ProgramSettings settings{.limits = all};
  for (const ProgramRule& rule : rules) Apply(rule, settings);
  return {.memory = settings.limits.together.memory_max.has_value(),
          .tasks = settings.limits.together.tasks_max.has_value()};
}

ProgramRules::ProgramRules(ProgramSettings all, std::vector<ProgramRule> rules)
    : all_(std::move(all)), rules_(std::move(rules)) {
  std::ranges::stable_sort(rules_, {}, [](const ProgramRule& rule) { return rule.at.size(); });
}

ProgramSettings ProgramRules::Of(std::string_view path) const {
  const auto decoded = DecodePath(path, true);
  return OfDecoded(decoded ? *decoded : std::string(path));
}

ProgramSettings ProgramRules::OfDecoded(std::string_view path) const {
  ProgramSettings settings = all_;
  if (rules_.empty()) return settings;
  const std::string folded = Folded(path);
  for (const ProgramRule& rule : rules_) {
    if (Holds(rule.at, folded)) Apply(rule, settings);
  }
  return settings;
}

}  // namespace hydrapool::cgi
