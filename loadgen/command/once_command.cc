#include "loadgen/command/once_command.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "loadgen/command/cli.h"
#include "loadgen/command/interrupts.h"
#include "loadgen/command/run_load.h"
#include "loadgen/plan/figures.h"
#include "loadgen/plan/scenario.h"
#include "loadgen/report/terminal_text.h"
#include "loadgen/report/transcript.h"

namespace hydrapool::loadgen {
namespace {

/// "ok in 1.23 ms: connect 80 µs, first_byte 1.1 ms".
std::string OutcomeText(const Tally& tally) {
  if (tally.sent == 0) return "* nothing was sent\n";
  std::string name = tally.in_flight_at_end > 0 ? "interrupted" : "";
  std::string detail;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (tally.outcomes.of(outcome) == 0) continue;
    name = Name(outcome);
    detail = Printable(tally.outcomes.explanation(outcome));
  }
  auto text = fmt::format("* {} after {}", name, FormatMicros(tally.latency.service.mean()));
  const auto* before = ": ";
  for (std::size_t i = 0; i < kPhases; ++i) {
    if (tally.phases[i].max() == 0) continue;
    text += fmt::format("{}{} {}", before, kPhaseNames[i], FormatMicros(tally.phases[i].mean()));
    before = ", ";
  }
  const auto& made = tally.connections;
  text += made.http2 > 0 ? "; HTTP/2" : "";
  text += made.tls > 0 ? "; TLS" : "";
  return text + (detail.empty() ? "" : "; " + detail) + "\n";
}

}  // namespace

int RunOnce(const Options& options, const EngineChoice& engine) {
  Transcript transcript;
  Options one = options;
  one.outputs.quiet = true;
  one.plan.connections = 1;
  one.plan.threads = 1;
  one.plan.arrivals = {.count = 1};
  one.plan.replica = {};
  for (auto& target : one.plan.targets) target.rate.reset();
  if (one.plan.scenario) {
    auto scenario = *one.plan.scenario;
    scenario.of_requests = false;
    one.plan.scenario = std::make_shared<const Scenario>(std::move(scenario));
  }
  one.plan.wire.tap = &transcript;
  std::optional<Interrupts> interrupts(std::in_place);
  const auto tally = RunLoad(one, engine, *interrupts, nullptr, nullptr).run.tally;
  interrupts.reset();
  return Print(transcript.Text() + OutcomeText(tally), CodeOfOnce(tally));
}

ExitCode CodeOfOnce(const Tally& tally) {
  if (tally.sent == 0) return kNothing;
  if (tally.outcomes.of(Outcome::kOk) == tally.sent) return kRan;
  return tally.outcomes.completed() == tally.sent ? kMissed : kNothing;
}

}  // namespace hydrapool::loadgen
