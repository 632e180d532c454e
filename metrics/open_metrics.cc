#include "metrics/open_metrics.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

#include "metrics/text.h"
#include "pool/sys/clock.h"

namespace hydrapool::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

std::string Escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') text += '\\';
    text += c;
  }
  return text;
}

/// As the label `le` is to be written: always with a point.
std::string Bound(double bound) {
  if (std::isinf(bound)) return "+Inf";
  std::string text = fmt::format("{}", bound);
  if (text.find_first_of(".e") == text.npos) text += ".0";
  return text;
}

std::string LabelsOf(const ClientMetric& series, std::string_view more = {}) {
  std::string labels;
  for (const auto& label : series.label)
    labels += fmt::format("{}{}=\"{}\"", labels.empty() ? "" : ",", label.name, Escaped(label.value));
  if (!more.empty()) labels += fmt::format("{}{}", labels.empty() ? "" : ",", more);
  return labels.empty() ? labels : "{" + labels + "}";
}

void PutBucket(Text& text, std::string_view name, const ClientMetric& series, double bound,
               std::uint64_t count, const std::optional<hydrapool::Exemplar>& exemplar) {
  Put(text, "{}_bucket{} {}", name, LabelsOf(series, fmt::format("le=\"{}\"", Bound(bound))), count);
  if (exemplar) {
    Put(text, " # {{request_id=\"{}\"}} {} {:.3f}", Escaped(exemplar->id), sys::ToSeconds(exemplar->duration),
        static_cast<double>(exemplar->at) / 1e9);
  }
  Put(text, "\n");
}

void PutHistogram(Text& text, const MetricFamily& family, const ClientMetric& series,
                  const ExemplarLookup& exemplar_of) {
  const auto& buckets = series.histogram.bucket;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    PutBucket(text, family.name, series, buckets[i].upper_bound, buckets[i].cumulative_count,
              exemplar_of(family, series, i));
  }
  PutBucket(text, family.name, series, INFINITY, series.histogram.sample_count,
            exemplar_of(family, series, buckets.size()));
  const std::string labels = LabelsOf(series);
  Put(text, "{}_count{} {}\n", family.name, labels, series.histogram.sample_count);
  Put(text, "{}_sum{} {}\n", family.name, labels, series.histogram.sample_sum);
}

}  // namespace

std::string OpenMetricsText(const std::vector<MetricFamily>& families, const ExemplarLookup& exemplar_of) {
  constexpr std::string_view kTotal = "_total";
  Text text;
  for (const MetricFamily& family : families) {
    const bool counter = family.type == MetricType::Counter;
    std::string_view name = family.name;
    if (counter && name.ends_with(kTotal)) name.remove_suffix(kTotal.size());
    const bool histogram = family.type == MetricType::Histogram;
    Put(text, "# HELP {} {}\n", name, Escaped(family.help));
    Put(text, "# TYPE {} {}\n", name, counter ? "counter" : histogram ? "histogram" : "gauge");
    for (const ClientMetric& series : family.metric) {
      if (histogram) {
        PutHistogram(text, family, series, exemplar_of);
      } else {
        Put(text, "{}{} {}\n", family.name, LabelsOf(series),
            counter ? series.counter.value : series.gauge.value);
      }
    }
  }
  Put(text, "# EOF\n");
  return fmt::to_string(text);
}

}  // namespace hydrapool::metrics
