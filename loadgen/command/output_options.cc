#include "loadgen/command/output_options.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <utility>

namespace hydrapool::loadgen {

namespace {

sys::Result<std::vector<Slo>> ParseAll(const char* flag, const std::vector<std::string>& texts) {
  std::vector<Slo> slos;
  for (const auto& text : texts) {
    auto slo = ParseSlo(flag, text);
    if (!slo) return tl::unexpected(slo.error());
    slos.push_back(std::move(*slo));
  }
  return slos;
}

/// Which one that is; of "auto" the one that runs this process.
std::optional<CiSystem> SystemOf(std::string_view name) {
  struct Named {
    std::string_view name;
    const char* variable;
    CiSystem system;
  };
  for (const auto& [own, variable, system] :
       {Named{"github", "GITHUB_ACTIONS", CiSystem::kGitHub}, Named{"azure", "TF_BUILD", CiSystem::kAzure},
        Named{"teamcity", "TEAMCITY_VERSION", CiSystem::kTeamCity}}) {
    if (name == own || (name == "auto" && std::getenv(variable) != nullptr)) return system;
  }
  return std::nullopt;
}

}  // namespace

void OutputOptions::AddTo(CLI::App& app) {
  AddObjectives(app);
  app.add_option("--abort-on", abort_on_,
                 "what ends the run at once, in the same words: 'errors>5%'; looked at each second and at "
                 "the end; exit code 4")
      ->type_name("SLO…")
      ->allow_extra_args(false);
  app.add_option("--until", until_,
                 "end as soon as a percentile is known so precisely: 'p99±5%' (the 95 % interval reaches at "
                 "most 5 % of it to either side); -d is then the longest (default: 10m)")
      ->type_name("PRECISION");
  AddPaths(app);
  app.add_option("--journal", outputs_.journal, "write each failed request to this file, as lines of JSON")
      ->type_name("FILE");
  app.add_option("--metrics", outputs_.metrics,
                 "serve Prometheus metrics (loadgen_*) at this address while running")
      ->type_name("HOST:PORT");
  AddQuiet(app);
}

void OutputOptions::AddForMerge(CLI::App& app) {
  AddObjectives(app);
  AddPaths(app);
}

void OutputOptions::AddForSearch(CLI::App& app) {
  AddObjectives(app);
  AddPages(app);
  AddQuiet(app);
}

void OutputOptions::AddObjectives(CLI::App& app) {
  app.option_defaults()->group("Checks");
  app.add_option("--slo", slos_,
                 "what must hold, like 'p99<50ms' 'errors<0.1%' 'rps>900'; exit code 99 if not (see below)")
      ->type_name("SLO…")
      ->allow_extra_args(false);
}

CLI::Option* OutputOptions::AddPages(CLI::App& app) {
  app.option_defaults()->group("Output");
  app.add_option("--json", outputs_.json, "write the report as JSON to this file, or - for standard output")
      ->type_name("FILE");
  return app.add_option("--html", outputs_.html, "write the report as one HTML file with plots")
      ->type_name("FILE");
}

void OutputOptions::AddPaths(CLI::App& app) {
  auto* html = AddPages(app);
  app.add_option("--faults", outputs_.faults,
                 "shade in it the faults of this journal (harness inject --journal)")
      ->type_name("FILE")
      ->needs(html);
  app.add_option("--csv", outputs_.csv, "write a line for each second: rate, errors, percentiles")
      ->type_name("FILE");
  app.add_option("--hdr-log", outputs_.hdr_log,
                 "write an HdrHistogram interval log, with a tag for each worker")
      ->type_name("FILE");
  app.add_option("--hgrm", outputs_.hgrm,
                 "write the response percentiles as HdrHistogram's plotter reads them")
      ->type_name("FILE");
  AddForCi(app);
}

void OutputOptions::AddForCi(CLI::App& app) {
  app.add_option("--summary", outputs_.summary,
                 "write verdict, objectives and figures as Markdown, like to \"$GITHUB_STEP_SUMMARY\"")
      ->type_name("FILE");
  app.add_option("--junit", outputs_.junit, "write each objective as a test of JUnit's XML")
      ->type_name("FILE");
  app.add_option(
         "--annotate", annotate_,
         "print what did not hold as annotations of github (and Gitea), azure or teamcity; auto: where "
         "the environment says that one of them runs it; off")
      ->type_name("{auto|github|azure|teamcity|off}")
      ->check(CLI::IsMember({"auto", "github", "azure", "teamcity", "off"}).description(""))
      ->capture_default_str();
}

void OutputOptions::AddQuiet(CLI::App& app) {
  app.add_flag("-q,--quiet", outputs_.quiet, "no progress while running");
}

sys::Result<Outputs> OutputOptions::Understand() const {
  auto outputs = outputs_;
  if (outputs.json.starts_with('@') || outputs.json.starts_with('{'))
    return sys::Failure(
        "--json is the file for the report here; curl's is --data … -H 'Content-Type: application/json'");
  auto slos = ParseAll("--slo", slos_);
  if (!slos) return tl::unexpected(slos.error());
  outputs.slos = std::move(*slos);
  auto abort_on = ParseAll("--abort-on", abort_on_);
  if (!abort_on) return tl::unexpected(abort_on.error());
  outputs.abort_on = std::move(*abort_on);
  if (!until_.empty()) {
    auto until = ParseUntil(until_);
    if (!until) return tl::unexpected(until.error());
    outputs.until = std::move(*until);
  }
  outputs.annotate = SystemOf(annotate_);
  return outputs;
}

}  // namespace hydrapool::loadgen
