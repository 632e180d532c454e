#include "metrics/duration_families.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "metrics/duration_counts.h"
#include "metrics/family.h"

namespace hydrapool::metrics {
namespace {

using hydrapool::Scoreboard;
using prometheus::MetricFamily;

constexpr std::string_view kRequests = "hydrapool_request_seconds";

void AppendRequests(const Scoreboard& board, std::vector<MetricFamily>& families) {
  MetricFamily& requests = families.emplace_back(HistogramFamily(
      std::string(kRequests), "From the first look at a request until its last byte was sent."));
  for (std::size_t part = 0; part < board.parts().size(); ++part) {
    for (std::size_t c = 0; c < hydrapool::kDurationClasses.size(); ++c) {
      DurationCounts durations;
      for (std::size_t i = 0; i < board.workers(); ++i)
        durations.Add(board.slot(i).request_seconds.of(part, c));
      AddHistogram(requests, durations,
                   {{"mount", std::string(board.parts().NameOf(part))},
                    {"code", std::string(hydrapool::kDurationClasses[c])}});
    }
  }
}

void AppendPrograms(const Scoreboard& board, std::vector<MetricFamily>& families) {
  MetricFamily& starts = families.emplace_back(HistogramFamily(
      "hydrapool_cgi_start_seconds", "From the decision to start a CGI process until its exec."));
  DurationCounts all;
  for (std::size_t i = 0; i < board.workers(); ++i) all.Add(board.slot(i).execution_start_seconds);
  AddHistogram(starts, all);

  MetricFamily& programs = families.emplace_back(
      HistogramFamily("hydrapool_cgi_seconds", "From a CGI process's start until it was reaped."));
  for (std::size_t part = 0; part < board.parts().size(); ++part) {
    DurationCounts durations;
    durations.Add(board.signs().program_seconds[part]);
    AddHistogram(programs, durations, {{"mount", std::string(board.parts().NameOf(part))}});
  }
}

std::string_view LabelOf(const prometheus::ClientMetric& series, std::string_view name) {
  const auto found =
      std::ranges::find(series.label, name, [](const auto& label) { return std::string_view(label.name); });
  return found == series.label.end() ? std::string_view() : std::string_view(found->value);
}

}  // namespace

void AppendDurationFamilies(const Scoreboard& board, std::vector<MetricFamily>& families) {
  const auto add = [&](const char* name, const char* help, const hydrapool::DurationHistogram& histogram) {
    DurationCounts durations;
    durations.Add(histogram);
    AddHistogram(families.emplace_back(HistogramFamily(name, help)), durations);
  };
  const hydrapool::PoolCounts& counts = board.counts();
  add("hydrapool_reap_seconds", "From a worker's death until it was reaped.", counts.reap_seconds);
  add("hydrapool_respawn_seconds", "From a worker's being reaped until its replacement was ready.",
      counts.respawn_seconds);
  add("hydrapool_recovery_seconds", "From a worker's death until the first reply out of its slot.",
      counts.recovery_seconds);
  add("hydrapool_dispatch_seconds", "From a connection's being accepted until it was handed to a worker.",
      counts.dispatch_seconds);
  AppendRequests(board, families);
  AppendPrograms(board, families);
}

std::optional<hydrapool::Exemplar> ExemplarOf(const Scoreboard& board, const MetricFamily& family,
                                              const prometheus::ClientMetric& series, std::size_t bucket) {
  if (family.name != kRequests) return std::nullopt;
  const auto found = std::ranges::find(hydrapool::kDurationClasses, LabelOf(series, "code"));
  if (found == hydrapool::kDurationClasses.end()) return std::nullopt;
  const auto duration_class = static_cast<std::size_t>(found - hydrapool::kDurationClasses.begin());
  auto exemplar = board.exemplars().Last(duration_class, bucket);
  if (!exemplar || board.parts().NameOf(exemplar->part) != LabelOf(series, "mount")) return std::nullopt;
  return exemplar;
}

}  // namespace hydrapool::metrics
