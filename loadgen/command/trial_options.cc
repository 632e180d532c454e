#include "loadgen/command/trial_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace hydrapool::loadgen {

void AddTrial(CLI::App& app, Trial& trial) {
  app.option_defaults()->group("Trying out");
  auto* once =
      app.add_flag("--once", trial.once,
                   "send one request and print both sides whole; exit code 1 where no answer came, 99 "
                   "where it is not ok");
  const auto take = [&trial](std::int64_t first) {
    constexpr std::int64_t kMost = 1'000'000;
    if (first < 1 || first > kMost)
      throw CLI::ValidationError("--dry-run", fmt::format("wants a number from 1 to {}", kMost));
    trial.dry_run = static_cast<decltype(trial.dry_run)>(first);
  };
  app.add_flag_function("--dry-run{10}", take,
                        "print when which requests would be due, the first ten or with --dry-run=N the first "
                        "N; send nothing")
      ->excludes(once);
}

sys::Result<void> FitsTrial(const Trial& trial, const Arrivals& arrivals, const Outputs& outputs) {
  if (!trial.once && trial.dry_run == 0) return {};
  if (trial.once && arrivals.count.value_or(1) != 1)
    return sys::Failure(
        fmt::format("--once sends one request, -n {} asks for more: leave one of them out", *arrivals.count));
  const char* name = trial.once ? "--once" : "--dry-run";
  const std::array<std::pair<const char*, bool>, 12> others = {{
      {"--json", !outputs.json.empty()},
      {"--csv", !outputs.csv.empty()},
      {"--hdr-log", !outputs.hdr_log.empty()},
      {"--hgrm", !outputs.hgrm.empty()},
      {"--html", !outputs.html.empty()},
      {"--summary", !outputs.summary.empty()},
      {"--junit", !outputs.junit.empty()},
      {"--journal", !outputs.journal.empty()},
      {"--metrics", !outputs.metrics.empty()},
      {"--slo", !outputs.slos.empty()},
      {"--abort-on", !outputs.abort_on.empty()},
      {"--until", outputs.until.has_value()},
  }};
  for (const auto& [flag, given] : others) {
    if (given) return sys::Failure(fmt::format("{} makes no report, so there is nothing for {}", name, flag));
  }
  return {};
}

}  // namespace hydrapool::loadgen
