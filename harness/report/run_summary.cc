#include "harness/report/run_summary.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

namespace hydrapool::harness {
namespace {

/// With U+FFFD for what is no UTF-8.
std::string Clean(std::string_view text) {
  using nlohmann::json;
  return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
}

std::string Escaped(std::string_view text, std::string_view special, std::string_view (*as)(char)) {
  std::string escaped;
  for (const char c : Clean(text)) {
    if (special.find(c) != special.npos) {
      escaped += as(c);
    } else {
      escaped += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return escaped;
}

std::string Xml(std::string_view text) {
  return Escaped(text, "&<>\"", [](char c) -> std::string_view {
    return c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&quot;";
  });
}

std::string Cell(std::string_view text) {
  return Escaped(text, "|<", [](char c) -> std::string_view { return c == '|' ? "\\|" : "&lt;"; });
}

std::string WhomOf(const FaultRecord& fault) {
  if (!fault.worker) return Name(fault.target);
  const ProcessView& victim = *fault.worker;
  return fmt::format("{}{} (pid {})", Name(victim.role), victim.slot ? fmt::format(" {}", *victim.slot) : "",
                     victim.identity.pid);
}

using FaultKind = std::tuple<std::string_view, std::string_view, std::string_view, std::string_view>;

std::map<FaultKind, std::uint64_t> CountFaults(const std::vector<FaultRecord>& faults) {
  std::map<FaultKind, std::uint64_t> counts;
  for (const FaultRecord& fault : faults)
    ++counts[{Name(fault.fault), fault.worker ? Name(fault.worker->role) : "none", Name(fault.outcome),
              Name(fault.proof)}];
  return counts;
}

std::string JUnitCase(const std::string& suite, const std::string& name, const std::string& inside) {
  return fmt::format("    <testcase classname=\"{}\" name=\"{}\">{}</testcase>\n", Xml(suite), Xml(name),
                     inside);
}

}  // namespace

std::string RunMarkdown(const RunTitle& title, const RunRecord& run, const Judgement& judgement) {
  std::string text =
      fmt::format("## {} {}\n\n{}\n", Name(judgement.verdict), Cell(title.name), Cell(title.proves));
  if (!judgement.reasons.empty()) text += '\n';
  for (const std::string& reason : judgement.reasons) text += fmt::format("- {}\n", Cell(reason));
  text += "\n| | |\n|---|--:|\n";
  for (const LoadRecord& load : run.loads)
    text += fmt::format("| {}{} | {} sent, {} ok |\n", Cell(load.url),
                        load.client.empty() ? "" : " (" + Cell(load.client) + ")", load.sent, load.ok);
  for (const auto& [measure, value] : judgement.measured)
    text += fmt::format("| {} | {} |\n", InfoOf(measure).words, ValueText(measure, value));
  if (!run.faults.empty()) text += "\n| fault | of | came of it | | times |\n|---|---|---|---|--:|\n";
  for (const auto& [kind, count] : CountFaults(run.faults))
    text += fmt::format("| {} | {} | {} | {} | {} |\n", std::get<0>(kind), std::get<1>(kind),
                        std::get<2>(kind), std::get<3>(kind), count);
  for (const FaultRecord& fault : run.faults) {
    if (fault.proof != Proof::kMismatched) continue;
    text += fmt::format("\nThe first that did something else: {} of {}: {}\n", Name(fault.fault),
                        Cell(WhomOf(fault)), Cell(fault.reason));
    break;
  }
  return text + fmt::format("\nAgain: `{}`\n", title.replay);
}

std::string RunJUnit(const RunTitle& title, const RunRecord& run, const Judgement& judgement,
                     const Expectations& expected) {
  std::string cases;
  std::size_t tests = 1;
  std::size_t failures = 0;
  for (const auto& [measure, limit] : expected) {
    const auto value = judgement.measured.find(measure);
    const bool held = value != judgement.measured.end() && value->second <= limit;
    std::string inside;
    if (value == judgement.measured.end()) {
      inside = "<skipped message=\"could not be measured\"/>";
    } else if (!held) {
      inside = fmt::format("<failure message=\"it is {}\"/>", Xml(ValueText(measure, value->second)));
    }
    failures += value != judgement.measured.end() && !held ? 1 : 0;
    ++tests;
    cases += JUnitCase(
        title.name, fmt::format("{}: at most {}", InfoOf(measure).words, ValueText(measure, limit)), inside);
  }
  const bool is_error = judgement.verdict == Verdict::kInvalid || judgement.verdict == Verdict::kAborted;
  std::string verdict;
  if (judgement.verdict != Verdict::kPass) {
    std::string reasons;
    for (const std::string& reason : judgement.reasons) reasons += reason + "\n";
    verdict =
        fmt::format("<{} message=\"{}\">{}again: {}</{}>", is_error ? "error" : "failure",
                    Name(judgement.verdict), Xml(reasons), Xml(title.replay), is_error ? "error" : "failure");
    failures += is_error ? 0 : 1;
  }
  cases += JUnitCase(title.name, "the run passes", verdict);
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{}\" tests=\"{}\" "
      "failures=\"{}\" errors=\"{}\" time=\"{:.3f}\">\n{}  </testsuite>\n</testsuites>\n",
      Xml(title.name), tests, failures, is_error ? 1 : 0, sys::ToSeconds(run.load_end - run.start), cases);
}

std::string RunMetrics(const std::vector<FaultRecord>& faults, const Judgement* judgement) {
  std::string text =
      "# HELP harness_faults_total Faults so far, by what came of them.\n# TYPE harness_faults_total "
      "counter\n";
  for (const auto& [kind, count] : CountFaults(faults))
    text += fmt::format("harness_faults_total{{fault=\"{}\",role=\"{}\",outcome=\"{}\",proof=\"{}\"}} {}\n",
                        std::get<0>(kind), std::get<1>(kind), std::get<2>(kind), std::get<3>(kind), count);
  text += fmt::format(
      "# HELP harness_over Whether the run is over.\n# TYPE harness_over gauge\nharness_over {}\n",
      judgement != nullptr ? 1 : 0);
  if (judgement == nullptr) return text;
  text += "# HELP harness_verdict The verdict of the run.\n# TYPE harness_verdict gauge\n";
  for (const Verdict each : {Verdict::kPass, Verdict::kFail, Verdict::kInvalid, Verdict::kAborted})
    text +=
        fmt::format("harness_verdict{{verdict=\"{}\"}} {}\n", Name(each), each == judgement->verdict ? 1 : 0);
  const auto unexplained = judgement->measured.find(Measure::kUnexplained);
  text += fmt::format(
      "# HELP harness_unexplained Failed requests that no fault explains.\n"
      "# TYPE harness_unexplained gauge\nharness_unexplained {}\n",
      unexplained == judgement->measured.end() ? 0 : unexplained->second);
  return text;
}

}  // namespace hydrapool::harness
