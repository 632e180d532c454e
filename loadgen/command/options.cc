#include "loadgen/command/options.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <sstream>
#include <utility>

#include "loadgen/command/plan_options.h"

namespace loadgen {
namespace {

constexpr const char* kExamples = R"(
Examples:
  loadgen http://127.0.0.1:8080/                         10 connections, 10 s, as fast as they go
  loadgen -R 2000/s -c 64 -d 30s http://127.0.0.1:8080/  open loop: 2000 a second, whatever the answers do
  loadgen -n 1000 -m POST --data @body.json http://127.0.0.1:8080/cgi-bin/echo
  loadgen -R 500 --json - http://a/ http://b/ | jq .latency_us.response
  loadgen --target 'http://h/a rate=400/s' --target 'http://h/b?id={counter} rate=20/s' --arrival poisson
  loadgen --stages 500:10s,500:1m,0:5s --warmup 2s http://127.0.0.1:8080/
  loadgen -R 300 --request-file shop.jsonl --saturate drop
  loadgen -R 9000 --replica auto --start-at 2026-11-22T15:04:05Z http://h/     one of several that make one load
  loadgen -n 1000 -H 'X-Id: {counter}' 'http://h/{random}?user={line:users.txt}'
  loadgen --http2 -k --expect-sha256 $(sha256sum <page | cut -c-64) https://127.0.0.1:8443/page
  loadgen -R 500 --slo 'p99<50ms' --slo 'errors<0.1%' --abort-on 'errors>5%' http://127.0.0.1:8080/
  loadgen -R 500 --csv seconds.csv --hdr-log run.hlog --hgrm run.hgrm http://127.0.0.1:8080/

  loadgen merge host-*.json            several runs or replicas as one, exactly
  loadgen compare before.json after.json   how they differ, and how sure that is
  loadgen search --slo 'p99<50ms' URL  the highest rate that holds it; each of the three has a --help

In URLs, headers, --data and request files {counter} is the request's number from 0, {random} 16 hexadecimal digits,
{line:FILE} the next line of FILE, from the first again after the last.

--replica auto asks the environment: LOADGEN_REPLICA=I/N (Swarm: --env 'LOADGEN_REPLICA={{.Task.Slot}}/N'), a Kubernetes indexed
Job's JOB_COMPLETION_INDEX with LOADGEN_REPLICAS=N, or Slurm's SLURM_PROCID and SLURM_NTASKS.

Latencies: response counts from when a request was due, service from when it was sent; lag is the difference.
requests.failed did not complete; a 4xx or 5xx is completed but not ok. sent = completed + failed + in flight at the end.

Exit codes: 0 the run ended, whatever the responses were; 1 not one request reached a server, or an output failed;
2 wrong usage, or a file that cannot be opened; 3 INVALID: an open loop sent less than 99 % of its schedule in time through this
machine's own fault; 4 an --abort-on came true; 99 an --slo was missed.
Ctrl-C ends the run and prints the report; a second one leaves at once.)";

}  // namespace

CommandLine ParseCommandLine(int argc, const char* const* argv, int cores) {
  CLI::App app(
      "Measures an HTTP server under load, from the moment each "
      "request was due.",
      "loadgen");
  app.set_version_flag("--version", fmt::format("loadgen {} ({})", LOADGEN_VERSION, curl_version()));
  app.footer(kExamples);
  Options options;
  PlanOptions plan_flags;
  OutputOptions output_flags;
  plan_flags.AddTo(app);
  app.add_option("--engine", options.engine,
                 "what sends: raw (plain http, least CPU), curl, or auto: raw if it can")
      ->type_name("NAME")
      ->check(CLI::IsMember({"auto", "raw", "curl"}))
      ->capture_default_str();
  output_flags.AddTo(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    std::ostringstream complaint;
    if (app.exit(error, text, complaint) == 0) return text.str();
    return sys::Error{0, error.what()};
  }
  auto plan = plan_flags.Understand(cores);
  if (!plan) return plan.error();
  auto outputs = output_flags.Understand();
  if (!outputs) return outputs.error();
  options.plan = std::move(*plan);
  options.outputs = std::move(*outputs);
  return options;
}

}  // namespace loadgen
