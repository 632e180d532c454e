#include <fmt/format.h>

#include <utility>

#include "loadgen/engine/load_run.h"
#include "loadgen/report/hdr_log.h"

namespace hydrapool::loadgen {

HdrLog HdrLogOf(const RunResult& run) {
  HdrLog log{.start_unix_ms = run.start_unix_ms};
  const auto add = [&log](std::string tag, sys::Nanos begin, sys::Nanos length, PackedHistogram histogram) {
    if (histogram == PackedHistogram()) return;
    log.intervals.push_back(
        {.tag = std::move(tag), .begin = begin, .length = length, .histogram = std::move(histogram)});
  };
  for (const auto& [begin, interval] : run.series.intervals()) {
    add("", begin, run.series.width(), interval.response);
    add("service", begin, run.series.width(), interval.service);
    add("lag", begin, run.series.width(), interval.lag);
    add("not_ok", begin, run.series.width(), interval.not_ok_response);
    for (std::size_t i = 0; i < interval.targets.size(); ++i) {
      const auto tag = fmt::format("target-{}", i);
      add(tag, begin, run.series.width(), interval.targets[i].response);
      add(tag + "-not_ok", begin, run.series.width(), interval.targets[i].not_ok_response);
    }
    add("not_ok-service", begin, run.series.width(), interval.not_ok_service);
  }
  for (const auto& [outcome, histogram] : run.tally.parts.by_outcome)
    add("outcome-" + std::string(Name(outcome)), 0, run.duration, PackedHistogram(histogram));
  for (const auto& [status, histogram] : run.tally.parts.by_status)
    add("status-" + std::to_string(status), 0, run.duration, PackedHistogram(histogram));
  add("own_lag", 0, run.duration, PackedHistogram(run.tally.latency.own_lag));
  add("session", 0, run.duration, PackedHistogram(run.tally.sessions.took));
  for (std::size_t i = 0; i < kPhases; ++i)
    add(std::string(kPhaseNames[i]), 0, run.duration, PackedHistogram(run.tally.phases[i]));
  for (const auto& [slot, worker] : run.tally.workers)
    add("worker-" + slot, 0, run.duration, PackedHistogram(worker.service));
  return log;
}

}  // namespace hydrapool::loadgen
