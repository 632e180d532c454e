#include "harness/observe/load_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string_view>

namespace hydrapool::harness {
namespace {

using Json = nlohmann::ordered_json;

constexpr sys::Nanos kHung = 2 * sys::kSecond;

FailureKind KindOf(std::string_view outcome, int status) {
  if (outcome == "bad_status") return status >= 500 ? FailureKind::kAbandoned : FailureKind::kRefused;
  if (outcome == "reset_in_response" || outcome == "truncated" || outcome == "timeout_body")
    return FailureKind::kCut;
  return outcome == "malformed" ? FailureKind::kRefused : FailureKind::kLost;
}

std::optional<int> SlotOf(const std::string& worker) {
  int slot = 0;
  const auto [end, error] = std::from_chars(worker.data(), worker.data() + worker.size(), slot);
  if (error != std::errc{}) return std::nullopt;
  return slot;
}

sys::Nanos FromMicros(double micros) { return static_cast<sys::Nanos>(micros * 1e3); }

void TakeLine(const Json& line, Journalled& journalled) {
  const std::string outcome = line.at("outcome");
  Failure failure{.kind = KindOf(outcome, line.at("status")),
                  .sent = line.at("sent_ns"),
                  .end = line.at("end_ns"),
                  .what = outcome,
                  .url = line.at("url"),
                  .slot = SlotOf(line.at("worker")),
                  .port = line.at("local_port")};
  if (outcome == "bad_status") failure.what = fmt::format("status {}", line.at("status").get<int>());
  if (outcome == "in_flight_at_end") {
    if (failure.end - failure.sent < kHung) {
      ++journalled.in_flight_at_end;
      return;
    }
    failure.what = "hung";
  }
  journalled.failures.push_back(std::move(failure));
}

}  // namespace

LoadRecord ReadLoadReport(const std::string& url, const std::string& text, const sys::ExitStatus& status,
                          const std::string& last_words) {
  LoadRecord load{.url = url};
  const Json report = Json::parse(text, nullptr, false);
  if (!report.is_object()) {
    load.broken = fmt::format("loadgen ended with {}: {}", status.Describe(), last_words);
    return load;
  }
  load.report = text;
  try {
    const Json& requests = report.at("requests");
    load.sent = requests.at("sent");
    load.ok = requests.at("ok");
    load.unsent = requests.at("unsent");
    load.achieved = report.at("achieved");
    load.rate = report.at("throughput_rps");
    const Json& latency = report.at("latency_us");
    load.service_mean = FromMicros(latency.at("service").at("mean"));
    if (latency.at("response").at("count") > 0)
      load.response_p99 = FromMicros(latency.at("response").at("p99"));
    if (!report.value("valid", true)) load.invalid = report.value("reason", "not valid");
  } catch (const nlohmann::json::exception& error) {
    load.broken = fmt::format("loadgen's report: {}", error.what());
  }
  return load;
}

Journalled ReadJournal(const std::string& text) {
  Journalled journalled;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto json = Json::parse(line, nullptr, false);
    if (json.is_object()) TakeLine(json, journalled);
  }
  return journalled;
}

std::string EchoResultText(const EchoResult& result) {
  const EchoCounts& counts = result.counts;
  const UnkeptFailures& beyond = result.unkept_failures;
  Json json{{"sent", counts.sent + counts.connect_failed - counts.given_up},
            {"ok", counts.ok},
            {"duplicated", counts.duplicate + counts.extra},
            {"wrong", counts.wrong},
            {"opened", result.connections},
            {"answered", result.answered},
            {"connect_failed", counts.connect_failed},
            {"elapsed_ns", result.elapsed},
            {"unkept", result.unkept},
            {"after_one", result.after_one},
            {"unexamined", {beyond.lost, beyond.cut, beyond.abandoned, beyond.refused}},
            {"failures", Json::array()}};
  for (const EchoFailure& failure : result.failures)
    json["failures"].push_back({failure.sent, failure.end, failure.what, failure.cut, failure.port});
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

EchoOutcome ReadEchoResult(const std::string& url, const std::string& text) {
  EchoOutcome outcome;
  outcome.load.url = url;
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    outcome.load.broken = "the check with ids left no result";
    return outcome;
  }
  outcome.load.sent = json.at("sent");
  outcome.load.ok = json.at("ok");
  outcome.load.rate = static_cast<double>(outcome.load.ok) / sys::ToSeconds(json.at("elapsed_ns"));
  outcome.duplicated = json.at("duplicated");
  outcome.wrong = json.at("wrong");
  outcome.opened = json.at("opened");
  outcome.answered = json.at("answered");
  outcome.connect_failed = json.at("connect_failed");
  outcome.unkept = json.at("unkept");
  outcome.after_one = json.at("after_one");
  constexpr std::array kKinds{FailureKind::kLost, FailureKind::kCut, FailureKind::kAbandoned,
                              FailureKind::kRefused};
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (const std::uint64_t count = json.at("unexamined").at(i); count > 0)
      outcome.unexamined[kKinds[i]] = count;
  }
  for (const Json& failure : json.at("failures")) {
    const std::string what = failure.at(2);
    FailureKind whole = FailureKind::kLost;
    if (what == "status_5xx") whole = FailureKind::kAbandoned;
    if (what == "status") whole = FailureKind::kRefused;
    outcome.failures.push_back({.kind = failure.at(3).get<bool>() ? FailureKind::kCut : whole,
                                .sent = failure.at(0),
                                .end = failure.at(1),
                                .what = what == "status" ? "another status than 200" : what,
                                .url = url,
                                .port = failure.at(4)});
  }
  return outcome;
}

std::optional<std::uint64_t> ExecutedTwice(std::string_view ledger) {
  std::map<std::string, std::uint64_t> executions;
  std::istringstream lines{std::string(ledger)};
  for (std::string line; std::getline(lines, line);) ++executions[line.substr(0, line.find(' '))];
  if (executions.empty()) return std::nullopt;
  return static_cast<std::uint64_t>(
      std::ranges::count_if(executions, [](const auto& each) { return each.second > 1; }));
}

}  // namespace hydrapool::harness
