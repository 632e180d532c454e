#include "loadgen/report/live_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "loadgen/plan/figures.h"
#include "loadgen/report/terminal_text.h"
#include "loadgen/report/text_chart.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kMostErrors = 6;
constexpr std::size_t kLabel = 10;
constexpr std::size_t kBar = 30;
constexpr std::size_t kMostName = 14;

using Lines = std::vector<std::string>;

std::string Micros(double micros) { return micros > 0 ? FormatMicros(micros) : "-"; }

double Newest(const std::deque<double>& values) { return values.empty() ? 0 : values.back(); }

double Rate(const LiveState& s) {
  const auto completed = static_cast<double>(s.now.completed() - s.before.completed());
  return s.interval_s > 0 ? completed / s.interval_s : 0;
}

std::string Labelled(std::string_view label, std::string_view rest) {
  return fmt::format("{:<{}}{}", label, kLabel, rest);
}

std::string Time(const LiveState& s) {
  if (s.planned_s <= 0 && s.planned_requests == 0) return fmt::format("{:.0f} s", s.elapsed_s);
  const bool by_time = s.planned_s > 0;
  const double share = by_time ? s.elapsed_s / s.planned_s
                               : static_cast<double>(s.now.ended()) / static_cast<double>(s.planned_requests);
  const auto words = by_time
                         ? fmt::format("{:.0f} of {:.0f} s", s.elapsed_s, s.planned_s)
                         : fmt::format("{:.0f} s, {} of {}", s.elapsed_s, s.now.ended(), s.planned_requests);
  const auto bar = Bar(share, kBar);
  return fmt::format("{}{}▏ {}", bar, std::string(kBar - std::min(kBar, Columns(bar)), ' '), words);
}

std::string Course(std::string_view label, const std::deque<double>& values, std::size_t columns) {
  const auto room = columns > 2 * kLabel + 12 ? columns - 2 * kLabel - 12 : kLabel;
  const auto n = std::min(values.size(), room);
  const std::vector<double> shown(values.end() - static_cast<std::ptrdiff_t>(n), values.end());
  const double most = shown.empty() ? 0 : *std::ranges::max_element(shown);
  return Labelled(label, fmt::format("{} up to {}", Sparkline(shown), Micros(most)));
}

void AddErrors(const LiveState& s, bool colour, Lines& lines) {
  std::vector<std::pair<std::uint64_t, Outcome>> errors;
  for (std::size_t i = 1; i < kOutcomes; ++i) {
    if (s.now.outcomes[i] > 0) errors.emplace_back(s.now.outcomes[i], static_cast<Outcome>(i));
  }
  std::ranges::sort(errors, std::greater<>());
  for (std::size_t i = 0; i < std::min(errors.size(), kMostErrors); ++i) {
    const auto [n, outcome] = errors[i];
    const auto text = fmt::format("{:<24}{:>12}  {:+}", Name(outcome), n,
                                  static_cast<std::int64_t>(n - s.before.of(outcome)));
    lines.push_back(Labelled(i == 0 ? "errors" : "", colour ? "\x1b[31m" + text + "\x1b[0m" : text));
  }
  if (errors.size() > kMostErrors)
    lines.push_back(Labelled("", fmt::format("and {} other kinds", errors.size() - kMostErrors)));
  if (errors.empty()) lines.push_back(Labelled("errors", "none"));
}

void AddWorkers(const LiveState& s, std::size_t room, Lines& lines) {
  if (s.now.workers.empty() || room < 2) return;
  std::uint64_t most = 1;
  for (const auto& [slot, n] : s.now.workers) most = std::max(most, n);
  const bool all = s.now.workers.size() <= room;
  const std::size_t shown = all ? s.now.workers.size() : room - 1;
  std::size_t i = 0;
  for (const auto& [slot, n] : Sorted(s.now.workers)) {
    if (i == shown) break;
    lines.push_back(
        Labelled(i++ == 0 ? "workers" : "",
                 fmt::format("{}{:>12}  {}", Padded(Printable(slot, kMostName), kMostName + 2), n.get(),
                             Bar(static_cast<double>(n.get()) / static_cast<double>(most), kBar))));
  }
  if (!all) lines.push_back(Labelled("", fmt::format("and {} more", s.now.workers.size() - shown)));
}

}  // namespace

std::string LiveLine(const LiveState& s) {
  const auto ok = s.now.of(Outcome::kOk);
  return fmt::format("{:.0f} s: {:.0f}/s, p50 {}, p99 {}; {} ok, {} not ok, {} failed, {} in flight",
                     s.elapsed_s, Rate(s), Micros(Newest(s.p50s)), Micros(Newest(s.p99s)), ok,
                     s.now.completed() - ok, s.now.ended() - s.now.completed(), s.now.in_flight());
}

std::vector<std::string> LiveScreen(const LiveState& s, ScreenSize size, bool colour) {
  Lines lines;
  const bool fits = Columns(s.title) <= size.columns;
  lines.push_back(fits ? s.title : Cut(s.title, size.columns - 1) + "…");
  lines.push_back(Labelled("time", Time(s)));
  lines.push_back(
      Labelled("rate", fmt::format("{:.0f} responses/s, {} in flight", Rate(s), s.now.in_flight())));
  lines.push_back(
      Labelled("requests",
               fmt::format("{} sent, {} ok, {} not ok, {} failed", s.now.sent, s.now.of(Outcome::kOk),
                           s.now.completed() - s.now.of(Outcome::kOk), s.now.ended() - s.now.completed())));
  lines.push_back(Labelled("latency", fmt::format("p50 {:>8}   p99 {:>8}   the last second",
                                                  Micros(Newest(s.p50s)), Micros(Newest(s.p99s)))));
  lines.push_back(Labelled("", fmt::format("p50 {:>8}   p99 {:>8}   max {:>8}   so far", Micros(s.p50),
                                           Micros(s.p99), Micros(static_cast<double>(s.max)))));
  const bool known = s.p99s.empty() || *std::ranges::max_element(s.p99s) > 0;  // of a second
  lines.push_back(known ? Course("p99", s.p99s, size.columns) : Course("p50", s.p50s, size.columns));
  AddErrors(s, colour, lines);
  const auto most = size.rows > 1 ? size.rows - 1 : 1;
  AddWorkers(s, most > lines.size() ? most - lines.size() : 0, lines);
  if (lines.size() > most) lines.resize(most);
  for (auto& line : lines) line = Cut(line, size.columns);
  return lines;
}

}  // namespace hydrapool::loadgen
