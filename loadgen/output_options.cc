#include "loadgen/output_options.h"

#include <CLI/CLI.hpp>
#include <utility>

namespace loadgen {

void OutputOptions::AddTo(CLI::App& app) {
  app.add_option("--slo", slos_,
                 "what must hold, like 'p99<50ms' 'errors<0.1%' 'rps>900'; exit code 99 if not")
      ->type_name("SLO…")
      ->allow_extra_args(false);
  app.add_option("--json", outputs_.json, "write the report as JSON to this file, or - for standard output")
      ->type_name("FILE");
  app.add_option("--journal", outputs_.journal, "write each failed request to this file, as lines of JSON")
      ->type_name("FILE");
  app.add_flag("-q,--quiet", outputs_.quiet, "no progress while running");
}

sys::Result<Outputs> OutputOptions::Understand() const {
  auto outputs = outputs_;
  for (const auto& text : slos_) {
    auto slo = ParseSlo(text);
    if (!slo) return tl::unexpected(slo.error());
    outputs.slos.push_back(std::move(*slo));
  }
  return outputs;
}

}  // namespace loadgen
