#include "loadgen/command/run_command.h"

#include <memory>
#include <optional>
#include <utility>

#include "loadgen/command/cli.h"
#include "loadgen/command/dry_run.h"
#include "loadgen/command/exit_code.h"
#include "loadgen/command/interrupts.h"
#include "loadgen/command/once_command.h"
#include "loadgen/command/output_files.h"
#include "loadgen/command/run_load.h"
#include "loadgen/engine/endpoint.h"
#include "loadgen/plan/replay.h"

namespace hydrapool::loadgen {

int RunCommand(const Options& options) {
  const auto engine = Prepare(options);
  if (!engine) return Complain(kUsage, engine.error().message);
  const auto& replay = options.plan.arrivals.replay;
  if (replay && !replay->left_out.empty()) Complain(kRan, replay->left_out);
  if (options.trial.dry_run > 0)
    return Print(DryRunText(options.plan, engine->name, options.trial.dry_run), kRan);
  if (const auto why = UnresolvableHost(options.plan)) return Complain(kNothing, *why);
  if (options.trial.once) return RunOnce(options, *engine);
  std::unique_ptr<RunMetrics> metrics;
  if (!options.outputs.metrics.empty()) {
    auto listening = RunMetrics::Listen(options.outputs.metrics);
    if (!listening) return Complain(kUsage, listening.error().message);
    metrics = std::move(*listening);
  }
  const auto files = OutputFiles::Open(options.outputs, options.files);
  if (!files) return Complain(kUsage, files.error().message);
  std::optional<Interrupts> interrupts(std::in_place);
  auto report = RunLoad(options, *engine, *interrupts, files->journal(), metrics.get());
  const auto shaded = AddFaults(options.outputs, report);
  const auto written = files->Write(report, [&interrupts] { interrupts.reset(); });
  if (!written) return Complain(kNothing, written.error().message);
  if (!shaded) return Complain(kNothing, shaded.error().message);
  return CodeOf(report);
}

}  // namespace hydrapool::loadgen
