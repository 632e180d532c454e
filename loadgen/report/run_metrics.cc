#include "loadgen/report/run_metrics.h"

#include <fmt/format.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <algorithm>
#include <array>
#include <exception>
#include <limits>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "loadgen/plan/target_list.h"
#include "loadgen/report/terminal_text.h"
#include "pool/sys/signals.h"
#include "pool/sys/socket.h"

namespace hydrapool::loadgen {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::string_view kOtherTargets = "others";
constexpr std::array<std::int64_t, 19> kBoundsMicros = {
    10,     20,     50,      100,     200,     500,      1000,     2000,     5000,      10'000,
    20'000, 50'000, 100'000, 200'000, 500'000, 1000'000, 2000'000, 5000'000, 10'000'000};

MetricFamily Counter(std::string name, std::string help) {
  return {.name = std::move(name), .help = std::move(help), .type = MetricType::Counter, .metric = {}};
}

void Add(MetricFamily& family, std::uint64_t value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = static_cast<double>(value);
  family.metric.push_back(std::move(metric));
}

MetricFamily Gauge(std::string name, std::string help, double value) {
  ClientMetric metric;
  metric.gauge.value = value;
  return {.name = std::move(name),
          .help = std::move(help),
          .type = MetricType::Gauge,
          .metric = {std::move(metric)}};
}

MetricFamily Histograms(std::string name, std::string help) {
  return {.name = std::move(name), .help = std::move(help), .type = MetricType::Histogram, .metric = {}};
}

void Add(MetricFamily& family, const LatencyHistogram& histogram,
         std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  std::size_t index = 0;
  const auto end = histogram.end_index();
  std::uint64_t seen = 0;
  for (const auto bound : kBoundsMicros) {
    for (; index < end && LatencyHistogram::HighestAt(index) <= bound; ++index)
      seen += histogram.CountAt(index);
    metric.histogram.bucket.push_back(
        {.cumulative_count = seen, .upper_bound = static_cast<double>(bound) / 1e6});
  }
  metric.histogram.bucket.push_back(
      {.cumulative_count = histogram.count(), .upper_bound = std::numeric_limits<double>::infinity()});
  metric.histogram.sample_count = histogram.count();
  metric.histogram.sample_sum = static_cast<double>(histogram.sum()) / 1e6;
  family.metric.push_back(std::move(metric));
}

void Add(MetricFamily& family, const PhaseSum& took, std::vector<ClientMetric::Label> labels) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.summary.sample_count = took.count;
  metric.summary.sample_sum = static_cast<double>(took.sum) / 1e6;
  family.metric.push_back(std::move(metric));
}

MetricFamily Histogram(std::string name, std::string help, const LatencyHistogram& histogram) {
  auto family = Histograms(std::move(name), std::move(help));
  Add(family, histogram);
  return family;
}

/// By what they are called: a series there can be once only, and URLs may be called the same.
std::map<std::string, TargetCounts> ByName(const std::vector<TargetCounts>& targets,
                                           const std::vector<std::string>& names) {
  std::map<std::string, TargetCounts> by_name;
  for (std::size_t i = 0; i < std::min(targets.size(), names.size()); ++i)
    by_name[i < TargetCutter::kOthers ? Printable(names[i]) : std::string(kOtherTargets)].Merge(targets[i]);
  return by_name;
}

/// Of each URL, where there are several.
void AddTargets(const LatenciesSoFar& latencies, const std::vector<std::string>& names,
                std::vector<MetricFamily>& families) {
  if (latencies.targets.empty()) return;
  auto requests = Counter("loadgen_target_requests_total", "Requests to one URL that ended: ok or not_ok.");
  auto errors = Counter("loadgen_target_errors_total", "Requests to one URL that were not ok, by outcome.");
  auto response = Histograms("loadgen_target_response_seconds",
                             "Latency of one URL's requests, from when they were due.");
  MetricFamily phases{
      .name = "loadgen_target_phase_seconds",
      .help = "How long the parts of one URL's requests took: connect, tls, first_byte, body.",
      .type = MetricType::Summary,
      .metric = {}};
  for (const auto& [name, counts] : ByName(latencies.targets, names)) {
    const ClientMetric::Label target{"target", name};
    Add(requests, counts.ok, {target, {"result", "ok"}});
    Add(requests, counts.ended() - counts.ok, {target, {"result", "not_ok"}});
    for (const auto& [outcome, n] : counts.errors)
      Add(errors, n, {target, {"outcome", std::string(Name(outcome))}});
    if (name != kOtherTargets) Add(response, counts.response, {target});
    for (std::size_t i = 0; i < kPhases; ++i) {
      if (counts.phases[i].count > 0)
        Add(phases, counts.phases[i], {target, {"phase", std::string(kPhaseNames[i])}});
    }
  }
  families.push_back(std::move(requests));
  families.push_back(std::move(errors));
  families.push_back(std::move(response));
  families.push_back(std::move(phases));
  const auto others = names.size() - std::min(names.size(), TargetCutter::kOthers);
  families.push_back(Gauge("loadgen_other_targets",
                           "How many URLs have no series of their own: they are told together, as 'others'.",
                           static_cast<double>(others)));
}

std::vector<MetricFamily> Families(const LatenciesSoFar& latencies, const Progress& progress) {
  auto sent = Counter("loadgen_sent_total", "Requests sent.");
  Add(sent, progress.sent);
  auto ended = Counter("loadgen_requests_total", "Requests that ended, by outcome.");
  for (std::size_t i = 0; i < kOutcomes; ++i)
    Add(ended, progress.outcomes[i], {{"outcome", std::string(Name(static_cast<Outcome>(i)))}});
  auto in_flight =
      Gauge("loadgen_in_flight", "Requests sent and not ended.", static_cast<double>(progress.in_flight()));
  auto workers = Counter("loadgen_worker_requests_total", "Completed requests, by the worker that answered.");
  for (const auto& [slot, n] : progress.workers) Add(workers, n, {{"worker", Printable(slot)}});
  return {
      std::move(sent),
      std::move(ended),
      std::move(in_flight),
      std::move(workers),
      Histogram("loadgen_response_seconds", "Latency from when a request was due.", latencies.response),
      Histogram("loadgen_service_seconds", "Latency from when a request was sent.", latencies.service),
      Histogram("loadgen_lag_seconds", "From when a request was due to when it was sent.", latencies.lag)};
}

class Snapshot final : public prometheus::Collectable {
 public:
  void Set(std::vector<MetricFamily> families) {
    const std::lock_guard lock(mutex_);
    families_ = std::move(families);
  }
  [[nodiscard]] std::vector<MetricFamily> Collect() const override {
    const std::lock_guard lock(mutex_);
    return families_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<MetricFamily> families_ = Families({}, {});  // guarded by mutex_
};

class Exposed final : public RunMetrics {
 public:
  explicit Exposed(const std::string& host_port) : exposer_(host_port, 1) {
    exposer_.RegisterCollectable(snapshot_);
  }
  void Update(const LoadRun& run, const Progress& progress) override {
    auto families = Families(run.latencies(), progress);
    AddTargets(run.latencies(), TargetNames(run.plan()), families);
    snapshot_->Set(std::move(families));
  }

 private:
  std::shared_ptr<Snapshot> snapshot_ = std::make_shared<Snapshot>();
  prometheus::Exposer exposer_;
};

}  // namespace

sys::Result<std::unique_ptr<RunMetrics>> RunMetrics::Listen(const std::string& host_port) {
  if (!sys::SplitHostPort(host_port))
    return sys::Failure(fmt::format("--metrics '{}' is not HOST:PORT (like 127.0.0.1:9181)", host_port));
  try {
    const sys::BlockAllSignals blocked;
    return std::make_unique<Exposed>(host_port);
  } catch (const std::exception&) {
    return sys::Failure(
        fmt::format("--metrics: cannot listen on {}: taken, or no address of this machine", host_port));
  }
}

}  // namespace hydrapool::loadgen
