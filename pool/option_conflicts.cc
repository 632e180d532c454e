#include "pool/option_conflicts.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pool/site_tables.h"

namespace hydrapool::server {
namespace {

constexpr std::array kOfLeases{"--mount",         "--cgi-dir",         "--access-log",
                               "--control",       "--max-requests",    "--max-memory",
                               "--max-age",       "--max-per-address", "--drain-notice",
                               "--stall-timeout", "--log-file",        "--max-requests-per-connection"};
constexpr std::array kOfHttp{"--mount",         "--access-log",
                             "--require",       "--trusted-proxy",
                             "--expose-worker", "--request-id-header",
                             "--max-cgi",       "--max-cgi-per-address",
                             "--cgi-limit",     "--cgi-timeout",
                             "--cgi-queue",     "--cgi-queue-timeout",
                             "--program-rule",  "--max-requests-per-connection"};

bool Given(const CLI::App& app, const std::string& name) {
  const CLI::Option* option = app.get_option_no_throw(name);
  return option != nullptr && option->count() > 0;
}

void RefuseAny(const CLI::App& app, std::span<const char* const> names, const std::string& with,
               const char* why) {
  for (const char* name : names) {
    if (Given(app, name)) throw CLI::ValidationError(name, fmt::format("not with {}: {}", with, why));
  }
}

void RefuseCgroupConflicts(const cgi::Config& config) {
  const auto [memory, tasks] = cgi::ControllersFor(config.limits, config.rules);
  if (config.cgroup.empty()) {
    if (!memory && !tasks) return;
    throw CLI::ValidationError(memory ? "memory-max" : "tasks-max",
                               "a limit of cgroups: it needs --cgi-cgroup DIR");
  }
  for (const cgi::ProgramRule& rule : config.rules) {
    if (rule.key == "user")
      throw CLI::ValidationError("--cgi-cgroup", "not with programs as other users (" + rule.at +
                                                     "=user:" + rule.value + "): they cannot enter it");
  }
}

// A typing error in a path would have its programs run without their limits, or as another user. What tables
// say counts for their mounts, though flags may have taken the place of those.
void RefuseIdleRules(const CLI::App& app, const SiteConfig& site) {
  const auto tables = std::dynamic_pointer_cast<SiteTables>(app.get_config_formatter_base());
  std::vector<cgi::Mount> mounts = site.mounts;
  for (const std::string& text : tables->Values("mount")) mounts.push_back(*cgi::Mount::Parse(text));
  const auto fault = [&mounts](const std::string& text) {
    const auto rule = cgi::ProgramRule::Parse(text);
    if (!rule || cgi::HasPrograms(*rule, mounts)) return std::string();
    return fmt::format("it is for programs, and there are none at {} nor below it",
                       rule->at.empty() ? "/" : rule->at);
  };
  tables->RefuseValues("program-rule", fault);
  for (const std::string& text : app.get_option("--program-rule")->results()) {
    if (const std::string what = fault(text); !what.empty())
      throw CLI::ValidationError("--program-rule", fmt::format("'{}': {}", text, what));
  }
}

}  // namespace

void RefuseConflicts(const CLI::App& app, const Options& options) {
  if (options.dispatch != Dispatch::kLease) {
    const std::string with = fmt::format("--dispatch {}", DispatchName(options.dispatch));
    constexpr const char* kWhy = "it has no leases, and is there to be measured";
    RefuseAny(app, kOfLeases, with, kWhy);
    const CLI::Option* supervisor = app.get_option("--supervisor");
    if (supervisor->count() > 0 && supervisor->as<bool>())
      throw CLI::ValidationError("--supervisor", fmt::format("not with {}: {}", with, kWhy));
    if (options.handler == HandlerKind::kLine)
      throw CLI::ValidationError("--handler line", fmt::format("not with {}: {}", with, kWhy));
  }
  if (options.site.cgi) RefuseCgroupConflicts(*options.site.cgi);
  if (options.handler == HandlerKind::kHttp) return RefuseIdleRules(app, options.site);
  const bool line = options.handler == HandlerKind::kLine;
  const std::string with = line ? "--handler line" : "--handler echo";
  RefuseAny(app, kOfHttp, with, "it does not speak HTTP");
  if (!line && Given(app, "--cgi-dir")) throw CLI::ValidationError("--cgi-dir", "not with " + with);
  if (line && options.program_dir.empty())
    throw CLI::ValidationError(with, "it wants the directory of its programs: --cgi-dir DIR");
}

}  // namespace hydrapool::server
