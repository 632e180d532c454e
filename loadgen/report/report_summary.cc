#include "loadgen/report/report_summary.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <iterator>
#include <vector>

#include "loadgen/plan/figures.h"
#include "loadgen/report/connections_text.h"
#include "loadgen/report/terminal_text.h"
#include "loadgen/report/text_chart.h"

namespace hydrapool::loadgen {
namespace {

/// One thing that had to be so.
struct Check {
  std::string name;
  std::string shown;       ///< What came of it, for people.
  std::string wrong = {};  ///< Why it is not so; empty: it is.
  bool invalid = false;    ///< Nothing can be said, rather.
};

std::vector<Check> ChecksOf(const Report& report) {
  std::vector<Check> checks;
  const auto nothing = NothingAnswered(report);
  checks.push_back({.name = "a server answered",
                    .shown = fmt::format("{} of {} requests", report.run.tally.outcomes.completed(),
                                         report.run.tally.sent),
                    .wrong = nothing.value_or("")});
  checks.push_back({.name = "the run is valid",
                    .shown = report.self.reason,
                    .wrong = report.self.valid ? "" : report.self.reason,
                    .invalid = !report.self.valid});
  if (!report.aborted.empty())
    checks.push_back({.name = "no --abort-on came true", .shown = report.aborted, .wrong = report.aborted});
  for (const auto& slo : report.slos) {
    const auto shown = slo.samples == 0 ? std::string("of no request")
                                        : fmt::format("{} of {} requests", slo.shown, slo.samples);
    checks.push_back({.name = slo.text, .shown = shown, .wrong = slo.met ? "" : "it is " + shown});
  }
  return checks;
}

/// A cell of a table, or any text between markup.
std::string Cell(const std::string& text) {
  std::string cell;
  for (const char c : Printable(text)) {
    if (std::string_view("\\`*_{}[]<>()#+!|~").find(c) != std::string_view::npos) cell += '\\';
    cell += c;
  }
  return cell;
}

std::string Escaped(const std::string& text) {
  std::string xml;
  for (const char c : Printable(text)) {
    switch (c) {
      case '&':
        xml += "&amp;";
        break;
      case '<':
        xml += "&lt;";
        break;
      case '>':
        xml += "&gt;";
        break;
      case '"':
        xml += "&quot;";
        break;
      default:
        xml += c;
    }
  }
  return xml;
}

/// With each of `special` as `escape` has it.
template <typename Escape>
std::string Escaped(const std::string& text, std::string_view special, Escape escape) {
  std::string out;
  for (const char c : Printable(text)) {
    if (special.find(c) == special.npos) {
      out += c;
    } else {
      out += escape(c);
    }
  }
  return out;
}

std::string Annotation(const Check& check, CiSystem system) {
  const auto percent = [](char c) { return fmt::format("%{:02X}", static_cast<unsigned char>(c)); };
  const auto bar = [](char c) { return std::string("|") + c; };
  switch (system) {
    case CiSystem::kGitHub:
      return fmt::format("::error title=loadgen%3A {}::{}\n", Escaped(check.name, "%:,", percent),
                         Escaped(check.wrong, "%", percent));
    case CiSystem::kAzure:
      return fmt::format("##vso[task.logissue type=error]loadgen: {}: {}\n", Printable(check.name),
                         Printable(check.wrong));
    case CiSystem::kTeamCity:
      break;
  }
  return fmt::format("##teamcity[buildProblem description='loadgen: {}: {}']\n",
                     Escaped(check.name, "|'[]", bar), Escaped(check.wrong, "|'[]", bar));
}

void LatencyLine(std::back_insert_iterator<std::string> out, const char* name, const LatencyHistogram& h) {
  if (h.count() == 0) return;
  fmt::format_to(out, "| {} |", name);
  for (const double p : {50.0, 90.0, 99.0, 99.9}) fmt::format_to(out, " {} |", PercentileText(h, p));
  fmt::format_to(out, " {} |\n", FormatMicros(static_cast<double>(h.max())));
}

void Connections(std::back_insert_iterator<std::string> out, const ConnectionCounts& own) {
  if (own.opened > 0) fmt::format_to(out, "\n- {}", ConnectionsText(own));
  for (const auto& row : own.addresses.rows())
    fmt::format_to(out, "\n- {} of {} connections to {}", row.connected, row.tried, Cell(row.address));
}

}  // namespace

std::string ToMarkdown(const Report& report) {
  const auto& tally = report.run.tally;
  const auto checks = ChecksOf(report);
  bool passed = true;
  for (const auto& check : checks) passed = passed && check.wrong.empty();
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "## loadgen: {}\n\n{}\n\n",
                 !report.self.valid ? "INVALID"
                 : passed           ? "passed"
                                    : "FAILED",
                 Cell(Describe(report.plan, report.engine)));
  fmt::format_to(out, "| | what must hold | what came of it |\n|---|---|---|\n");
  for (const auto& check : checks)
    fmt::format_to(out, "| {} | {} | {} |\n", check.wrong.empty() ? "✅" : "❌", Cell(check.name),
                   Cell(check.shown));
  fmt::format_to(
      out,
      "\n{} requests sent, {} ok, {} failed, {} in flight at the end, {} never sent; {:.1f} responses/s "
      "for {:.1f} s.\n\n",
      tally.sent, tally.outcomes.of(Outcome::kOk), tally.outcomes.failed(), tally.in_flight_at_end,
      report.run.unsent(), report.run.throughput(), sys::ToSeconds(report.run.sending));
  fmt::format_to(out, "| latency | p50 | p90 | p99 | p99.9 | max |\n|---|---:|---:|---:|---:|---:|\n");
  LatencyLine(out, "response (from when it was due)", tally.latency.response);
  LatencyLine(out, "service (from when it was sent)", tally.latency.service);
  Connections(out, tally.connections);
  for (std::size_t i = 1; i < kOutcomes; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (tally.outcomes.of(outcome) == 0) continue;
    const std::string& why = tally.outcomes.explanation(outcome);
    fmt::format_to(out, "\n- {}: {}{}", Cell(std::string(Name(outcome))), tally.outcomes.of(outcome),
                   why.empty() ? "" : " (" + Cell(why) + ")");
  }
  return text + "\n";
}

std::string ToJUnit(const Report& report) {
  const auto checks = ChecksOf(report);
  std::size_t failures = 0;
  std::size_t errors = 0;
  std::string cases;
  const auto out = std::back_inserter(cases);
  for (const auto& check : checks) {
    fmt::format_to(out, "  <testcase classname=\"loadgen\" name=\"{}\">", Escaped(check.name));
    if (!check.wrong.empty()) {
      ++(check.invalid ? errors : failures);
      fmt::format_to(out, "<{} message=\"{}\"/>", check.invalid ? "error" : "failure", Escaped(check.wrong));
    } else if (!check.shown.empty()) {
      fmt::format_to(out, "<system-out>{}</system-out>", Escaped(check.shown));
    }
    fmt::format_to(out, "</testcase>\n");
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3f}\" "
      "timestamp=\"{:%Y-%m-%dT%H:%M:%S}\">\n{}</testsuite>\n</testsuites>\n",
      Escaped(Describe(report.plan, report.engine)), checks.size(), failures, errors,
      sys::ToSeconds(report.run.duration), fmt::gmtime(report.run.start_unix_ms / 1000), cases);
}

std::string ToAnnotations(const Report& report, CiSystem system) {
  std::string lines;
  for (const auto& check : ChecksOf(report)) {
    if (!check.wrong.empty()) lines += Annotation(check, system);
  }
  return lines;
}

}  // namespace hydrapool::loadgen
