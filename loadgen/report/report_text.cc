#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/plan/figures.h"
#include "loadgen/plan/target_list.h"
#include "loadgen/report/bootstrap.h"
#include "loadgen/report/connections_text.h"
#include "loadgen/report/hdr_log.h"
#include "loadgen/report/report.h"
#include "loadgen/report/terminal_text.h"
#include "loadgen/report/text_chart.h"
#include "loadgen/report/transcript.h"

namespace hydrapool::loadgen {
namespace {

using Out = std::back_insert_iterator<std::string>;

constexpr std::size_t kColumns = 80;
constexpr std::size_t kLabel = 11;
constexpr std::size_t kMostUrl = 120;
constexpr std::size_t kMostTargetsShown = 16;
constexpr std::size_t kMostWorkers = 16;
constexpr std::size_t kMostAddresses = 8;
constexpr std::size_t kMostName = 24;
constexpr std::size_t kMostPart = 10;
constexpr double kAlpha = 0.05;
constexpr std::uint64_t kEnoughRequests = 100;  // for what one of them costs
constexpr std::size_t kHistogramLines = 14;
constexpr std::size_t kHistogramWidth = 40;

std::string Micros(std::int64_t micros) { return FormatMicros(static_cast<double>(micros)); }

void Requests(Out out, const RunResult& run) {
  const auto& tally = run.tally;
  fmt::format_to(out, "requests   {} sent = {} completed + {} failed + {} in flight at the end\n", tally.sent,
                 tally.outcomes.completed(), tally.outcomes.failed(), tally.in_flight_at_end);
  fmt::format_to(out, "           {} ok; {} scheduled, {} of them never sent\n",
                 tally.outcomes.of(Outcome::kOk), run.scheduled, run.unsent());
  if (tally.follow_ups > 0)
    fmt::format_to(out, "           {} of them due by the schedule, {} by the answers before them\n",
                   run.scheduled - tally.follow_ups, tally.follow_ups);
  if (tally.in_flight_at_end > 0)
    fmt::format_to(
        out, "           those in flight count in the latencies with the age they had: at least so much\n");
  if (tally.saturated > 0) {
    fmt::format_to(out, "           {} were due while all connections were busy\n", tally.saturated);
  }
  if (run.warmed_up > 0) {
    fmt::format_to(out, "           before that {} as a warm-up, not counted\n", run.warmed_up);
  }
  fmt::format_to(out, "rate       {:.1f} responses/s for {:.2f} s{}, {} received\n", run.throughput(),
                 sys::ToSeconds(run.sending), run.stopped ? " (stopped early)" : "",
                 FormatBytes(static_cast<double>(tally.bytes_received)));
  const auto later =
      tally.outcomes.completed() - std::min(tally.outcomes.completed(), tally.timing.completed_at_last_sent);
  if (later > 0 && run.duration > run.sending)
    fmt::format_to(out, "           {} came after the last was sent, up to {:.2f} s later{}\n", later,
                   sys::ToSeconds(run.duration - run.sending),
                   run.counted < tally.outcomes.completed() ? ": not in the rate" : "");
}

void Sessions(Out out, const SessionCounts& sessions) {
  if (sessions.begun == 0) return;
  fmt::format_to(out, "sessions   {} begun = {} complete + {} failed + {} cut by the end of the run\n",
                 sessions.begun, sessions.complete, sessions.failed, sessions.cut);
  if (sessions.complete > 0)
    fmt::format_to(out, "           complete ones took {} on average, {} at most, with their think times\n",
                   FormatMicros(sessions.took.mean()), Micros(sessions.took.max()));
}

constexpr std::array<double, 6> kPercentiles = {50, 90, 95, 99, 99.9, 99.99};

void LatencyRow(Out out, std::string_view name, const LatencyHistogram& h) {
  fmt::format_to(out, "  {:<10}{:>8}", name, h.count() == 0 ? "-" : Micros(h.ValueAtPercentile(0)));
  for (const double p : kPercentiles) fmt::format_to(out, "{:>8}", PercentileText(h, p));
  fmt::format_to(out, "{:>8}\n", h.count() == 0 ? "-" : Micros(h.max()));
}

void LatencyHead(Out out, std::string_view name) {
  fmt::format_to(out, "{:<12}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}\n", name, "min", "p50", "p90", "p95",
                 "p99", "p99.9", "p99.99", "max");
}

/// Apart, what is not alike: by status and by outcome, where there is more than one.
void LatencyParts(Out out, const Tally& tally) {
  const auto& parts = tally.parts;
  if (parts.by_status.size() + parts.by_outcome.size() < 2) return;
  LatencyHead(out, "response of");
  for (const auto& [code, histogram] : parts.by_status) LatencyRow(out, fmt::format("{}", code), histogram);
  for (const auto& [outcome, histogram] : parts.by_outcome) {
    if (outcome != Outcome::kBadStatus) LatencyRow(out, Name(outcome).substr(0, kMostPart), histogram);
  }
}

void Latencies(Out out, const Tally& tally) {
  LatencyHead(out, "latency");
  LatencyRow(out, "response", tally.latency.response);
  LatencyRow(out, "service", tally.latency.service);
  LatencyRow(out, "lag", tally.latency.lag);
  for (std::size_t i = 0; i < kPhases; ++i) {
    if (tally.phases[i].max() > 0) LatencyRow(out, kPhaseNames[i], tally.phases[i]);
  }
  fmt::format_to(out, "  (response from when it was due, service from when it was sent, lag between)\n");
  if (!EnoughFor(kPercentiles.back(), tally.latency.response.count()))
    fmt::format_to(out, "  (-: fewer than ten of them lie beyond that percentile)\n");
  fmt::format_to(out, "mean ± sd  response {} ± {}, service {} ± {}\n",
                 FormatMicros(tally.latency.response.mean()), FormatMicros(Deviation(tally.latency.response)),
                 FormatMicros(tally.latency.service.mean()), FormatMicros(Deviation(tally.latency.service)));
  LatencyParts(out, tally);
  if (tally.latency.response.count() > 0)
    fmt::format_to(out, "response   how many took how long\n{}",
                   DrawHistogram(tally.latency.response, kHistogramLines, kHistogramWidth));
}

/// The interval in which each percentile of ok answers would lie, were the run made again (bootstrap.h).
void Intervals(Out out, const RunResult& run) {
  const auto sample = SampleOf(run);
  if (sample.seconds.size() < kFewestSeconds) return;
  const auto scatter = ScatterOf(sample);
  const auto* before = "interval   at 95 %, of ok answers: ";
  for (const auto figure : {Figure::kP50, Figure::kP90, Figure::kP99, Figure::kP999}) {
    const auto range = IntervalOf(sample, scatter, figure, kAlpha);
    if (range.high <= 0) continue;
    fmt::format_to(out, "{}p{:g} {} to {}", std::exchange(before, ", "), PercentileOf(figure),
                   FormatMicros(range.low), FormatMicros(range.high));
  }
  fmt::format_to(out, "\n");
}

void Outcomes(Out out, const Tally& tally) {
  const auto* before = "status     ";
  for (const auto& [code, n] : tally.status)
    fmt::format_to(out, "{}{}: {}", std::exchange(before, "  "), code, n);
  if (!tally.status.empty()) fmt::format_to(out, "\n");
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (outcome == Outcome::kOk || tally.outcomes.of(outcome) == 0) continue;
    const std::string& why = tally.outcomes.explanation(outcome);
    fmt::format_to(out, "error      {}: {}{}\n", Name(outcome), tally.outcomes.of(outcome),
                   why.empty() ? "" : "  (" + Printable(why) + ")");
  }
}

/// What the server said with each status that was not expected.
void FirstOnes(Out out, const FirstResponses& responses) {
  for (const auto& [code, response] : responses) {
    auto text = BodyText(response.body);
    for (std::string_view head = response.head; !head.empty();) {
      const auto end = std::min(head.find('\n'), head.size() - 1);
      fmt::format_to(out, "{:<{}}< {}\n",
                     head.size() == response.head.size() ? fmt::format("first {}", code) : "", kLabel,
                     Printable(head.substr(0, head.find_last_not_of("\r\n", end) + 1)));
      head.remove_prefix(end + 1);
    }
    for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1))
      fmt::format_to(out, "{:<{}}{}\n", "", kLabel, rest.substr(0, rest.find('\n')));
  }
}

void Workers(Out out, const Tally& tally, const std::string& worker_header) {
  if (tally.workers.empty()) return;
  const bool all = tally.workers.size() < kMaxWorkers;
  fmt::format_to(out, "workers    {}{}, fairness {:.3f} (Jain's index of their requests)\n",
                 all ? "" : "at least ", tally.workers.size(), Fairness(tally));
  if (!all)
    fmt::format_to(
        out, "           so many that {} may not name a worker at all; the last ones are counted as '{}'\n",
        Printable(worker_header), kOtherWorkers);
  fmt::format_to(out, "  {:<{}}{:>12}{:>10}{:>10}{:>10}\n", "", kMostName, "requests", "errors", "p50",
                 "p99");
  std::size_t shown = 0;
  for (const auto& [slot, worker] : Sorted(tally.workers)) {
    if (shown++ == kMostWorkers) break;
    fmt::format_to(out, "  {}{:>12}{:>10}{:>10}{:>10}\n", Padded(Printable(slot, kMostName - 1), kMostName),
                   worker.get().requests, worker.get().errors, PercentileText(worker.get().service, 50),
                   PercentileText(worker.get().service, 99));
  }
  if (tally.workers.size() > kMostWorkers)
    fmt::format_to(out, "  and {} more\n", tally.workers.size() - kMostWorkers);
}

std::string Mean(const PhaseSum& phase) { return phase.count == 0 ? "-" : FormatMicros(phase.mean()); }

void Targets(Out out, const Report& report) {
  if (report.plan.targets.size() < 2) return;
  const auto shown = std::min(report.plan.targets.size(), kMostTargetsShown);
  auto names = TargetNames(report.plan);
  const auto origin = TakeCommonOrigin(names);
  if (!origin.empty()) fmt::format_to(out, "targets    at {}\n", Printable(origin, kMostUrl));
  fmt::format_to(out, "{:<7}{:>9}{:>10}{:>10}{:>10}{:>10}  of ok answers\n", origin.empty() ? "targets" : "",
                 "sent", "ok", "not ok", "p50", "p99");
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& n = report.run.tally.targets.of(i);
    const auto ok = n.response.Since(n.not_ok_response);
    fmt::format_to(out, "{:>16}{:>10}{:>10}{:>10}{:>10}  {}\n", n.sent, n.ok, n.sent - n.ok,
                   PercentileText(ok, 50), PercentileText(ok, 99), Printable(names[i], kMostUrl));
  }
  if (shown < report.plan.targets.size())
    fmt::format_to(out, "           and {} more: all are in --json\n", report.plan.targets.size() - shown);
  fmt::format_to(out, "phases{:>10}{:>10}{:>12}{:>8}  mean of each, as targets\n", kPhaseNames[0],
                 kPhaseNames[1], kPhaseNames[2], kPhaseNames[3]);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& phases = report.run.tally.targets.of(i).phases;
    fmt::format_to(out, "{:>16}{:>10}{:>12}{:>8}  {}\n", Mean(phases[0]), Mean(phases[1]), Mean(phases[2]),
                   Mean(phases[3]), Printable(names[i], kMostUrl));
  }
}

void Slos(Out out, const Report& report) {
  for (const auto& slo : report.slos)
    fmt::format_to(
        out, "slo        {} {}  ({})\n", slo.met ? "✓" : "✗", slo.text,
        slo.samples == 0 ? "of no request" : fmt::format("{} of {} requests", slo.shown, slo.samples));
  if (!report.aborted.empty()) fmt::format_to(out, "ABORTED    {}\n", report.aborted);
}

void Connections(Out out, const ConnectionCounts& own) {
  if (own.opened == 0) return;
  fmt::format_to(out, "connected  {}\n", ConnectionsText(own));
  const auto& rows = own.addresses.rows();
  for (const auto& row : std::span(rows).first(std::min(rows.size(), kMostAddresses)))
    fmt::format_to(
        out, "           {} to {}{}\n", row.connected, Printable(row.address, kMostUrl),
        row.tried > row.connected ? fmt::format(", {} more tried", row.tried - row.connected) : "");
  if (rows.size() > kMostAddresses)
    fmt::format_to(out, "           and to {} more addresses: all are in --json\n",
                   rows.size() - kMostAddresses);
}

void Network(Out out, const RunResult& run) {
  const auto& own = run.tally.connections;
  Connections(out, own);
  const auto& kernel = run.kernel;
  if (kernel.accept_overflows + kernel.syn_drops > 0)
    fmt::format_to(out,
                   "network    a listener on this machine refused {} connections for want of room in its "
                   "queue, {} SYNs dropped\n",
                   kernel.accept_overflows, kernel.syn_drops);
  if (own.retransmits > 0)
    fmt::format_to(out, "network    {} of this run's own {} connections sent {} TCP segments again\n",
                   own.sent_again, own.opened, own.retransmits);
  if (kernel.retransmits > 0)
    fmt::format_to(out, "network    {} TCP segments sent again on this machine, by all programs\n",
                   kernel.retransmits);
}

void Self(Out out, const Report& report) {
  const auto& run = report.run;
  fmt::format_to(out, "generator  {:.2f} s CPU", sys::ToSeconds(run.cpu));
  if (run.tally.sent >= kEnoughRequests)
    fmt::format_to(out, ", {:.1f} µs a request", run.cpu_us_per_request());
  fmt::format_to(out, ", busiest thread {:.0f} %, bottleneck: {}\n", 100 * run.busiest.cpu_share(),
                 report.self.bottleneck);
  Network(out, run);
  if (!report.self.valid) {
    fmt::format_to(out, "INVALID    {}\n", report.self.reason);
  } else if (!report.self.reason.empty()) {
    fmt::format_to(out, "warning    {}\n", report.self.reason);
  }
}

}  // namespace

std::string ToText(const Report& report) {
  std::string text = Describe(report.plan, report.engine) + "\n\n";
  const auto out = std::back_inserter(text);
  Requests(out, report.run);
  Sessions(out, report.run.tally.sessions);
  Latencies(out, report.run.tally);
  Intervals(out, report.run);
  if (!report.until.empty()) fmt::format_to(out, "until      {}\n", report.until);
  Outcomes(out, report.run.tally);
  FirstOnes(out, report.run.tally.first_responses);
  Targets(out, report);
  Workers(out, report.run.tally, report.plan.worker_header);
  Self(out, report);
  Slos(out, report);
  if (const auto nothing = NothingAnswered(report)) fmt::format_to(out, "error      {}\n", *nothing);
  return Wrap(text, kColumns, kLabel);
}

}  // namespace hydrapool::loadgen
