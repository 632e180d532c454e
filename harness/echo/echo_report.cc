#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/echo/echo_run.h"
#include "harness/fault/duration.h"

namespace hydrapool::harness {
namespace {

std::string_view VerdictOf(const EchoCounts& counts) {
  if (counts.sent == 0) return "INVALID";
  return counts.exact() ? "EXACT" : "NOT EXACT";
}

double RateOf(const EchoResult& result) {
  return result.elapsed > 0 ? static_cast<double>(result.counts.ok) / sys::ToSeconds(result.elapsed) : 0;
}

std::uint64_t CutOf(const EchoResult& result) {
  return result.unkept_failures.cut + static_cast<std::uint64_t>(std::ranges::count_if(
                                          result.failures, [](const auto& each) { return each.cut; }));
}

}  // namespace

std::string EchoText(const EchoOptions& options, const EchoResult& result) {
  const EchoCounts& c = result.counts;
  std::string text =
      fmt::format("echo      {} at {}, pipeline {}, {} connections opened\n", options.connections,
                  options.plan.host, options.plan.pipeline, result.connections);
  text += fmt::format("requests  {} sent, {} ok ({:.0f}/s), worst wait {:.1f} ms\n", c.sent, c.ok,
                      RateOf(result), static_cast<double>(c.worst_wait) / 1e6);
  text += fmt::format("lost      {}: {} reset, {} eof, {} unanswered, {} connect failed\n", c.lost(), c.reset,
                      c.eof, c.unanswered, c.connect_failed);
  text += fmt::format("answers   {} duplicate, {} extra, {} wrong, {} refused by status\n", c.duplicate,
                      c.extra, c.wrong, c.refused_status);
  if (c.given_up > 0)
    text += fmt::format("given up  {} requests on connections that were reset on purpose\n", c.given_up);
  if (!options.floods.empty())
    text +=
        fmt::format("floods    {} at once, {} opened, {:.1f} MB sent, {:.1f} MB received\n",
                    options.floods.size(), result.flood.opened, static_cast<double>(result.flood.sent) / 1e6,
                    static_cast<double>(result.flood.received) / 1e6);
  if (result.unclosed > 0) text += fmt::format("unclosed  {} connections\n", result.unclosed);
  text += fmt::format("verdict   {}\n", VerdictOf(c));
  return text;
}

std::string EchoJson(const EchoOptions& options, const EchoResult& result) {
  const EchoCounts& c = result.counts;
  const nlohmann::ordered_json json{
      {"schema", 1},
      {"verdict", VerdictOf(c)},
      {"connections", options.connections},
      {"pipeline", options.plan.pipeline},
      {"duration_s", sys::ToSeconds(result.elapsed)},
      {"throughput_rps", RateOf(result)},
      {"opened", result.connections},
      {"unclosed", result.unclosed},
      {"sent", c.sent},
      {"ok", c.ok},
      {"lost", c.lost()},
      {"duplicate", c.duplicate},
      {"extra", c.extra},
      {"wrong", c.wrong},
      {"refused_status", c.refused_status},
      {"reset", c.reset},
      {"eof", c.eof},
      {"unanswered", c.unanswered},
      {"cut", CutOf(result)},
      {"connect_failed", c.connect_failed},
      {"given_up", c.given_up},
      {"flood_bytes", {{"sent", result.flood.sent}, {"received", result.flood.received}}},
      {"worst_wait_us", c.worst_wait / sys::kMicrosecond}};
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace hydrapool::harness
