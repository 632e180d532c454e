#include "loadgen/command/options.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/command/help.h"
#include "loadgen/command/other_tools.h"
#include "loadgen/command/plan_options.h"
#include "loadgen/plan/target_list.h"
#include "pool/manual/mistake.h"

namespace hydrapool::loadgen {
namespace {

constexpr HelpTexts kRunHelp = {
    .usage = "loadgen [OPTIONS] URL...",
    .examples = R"(  loadgen http://127.0.0.1:8080/          10 connections, 10 s, flat out
  loadgen -R 2000 -c 64 -d 30s URL        2000 a second, whatever the answers do
  loadgen -R 500 --slo 'p99<50ms' 'errors<0.1%' --abort-on 'errors>5%' URL
  loadgen --stages 500:10s,500:1m,0:5s --html run.html --json run.json URL
  loadgen -n 1000 -m POST --data @body.json -H 'X-Id: {counter}' URL
  loadgen -R 500 --until 'p99±5%' URL     as long as it takes to know p99
  loadgen --slo 'p99<50ms' --junit slo.xml --summary "$GITHUB_STEP_SUMMARY" URL
  loadgen -R 500 --json - http://a/ http://b/ | jq .latency_us.response
  loadgen --target 'http://h/a rate=400' --target 'http://h/b?{random} rate=20'
  loadgen -R 300 --request-file shop.jsonl --saturate drop http://h:8080/
  loadgen -R 20 --session-file shop.yaml http://h:8080/ --slo 'pay: p99<1s'
  loadgen --http2 -k --expect-status 200,304 --connection reuse:9 https://h/
  loadgen --once -H 'X-Id: 1' URL         one request: what is sent, what comes
  loadgen --dry-run -R 500 --target …     when which request would be sent
  loadgen -R 9000 --replica auto --start-at 2026-11-22T15:04:05Z URL

  loadgen search --slo 'p99<50ms' URL     the highest rate that holds it
  loadgen --replay access.log --speed 2 http://h:8080/   a log, as it was
  loadgen import curl command.txt         a request file of what others write
  loadgen compare before.json after.json  how two runs differ, how sure that is
  loadgen merge host-*.json               several runs or replicas as one
)",
    .notes = R"(TIME is 500ms, 10s, 2m, 1h or 1m30s, and 10 is ten seconds; RATE is 500, 500/s
or 30/m.

In URLs, headers, bodies and request files {counter} is the request's number
from 0, {random} 16 hexadecimal digits, {line:FILE} the next line of FILE, from
the first again after the last, {brace} a brace: '{brace}counter}' is sent as
'{counter}'. In what --replay reads nothing is replaced.

A request file has a request a line: a URL, METHOD URL, or JSON like
{"method": "PUT", "url": "/a", "headers": {"A": "b"}, "body": "x", "weight": 3}.
What is not whole, like /a, belongs to the URL on the command line. Instead of
"body" "body_base64" has any bytes, and nothing in it is replaced.

A session file is YAML:
  steps:
    - request: POST /login
      body: '{"user": "u{counter}"}'
      extract: {token: {json: /token}}  # or header:, cookie:, regex:
      check: {status: 200, contains: welcome, json: {/ok: true}}
    - think: 1s        # or {normal: [1s, 200ms]}, {exponential: 1s}
    - name: pay
      request: GET /pay
      headers: {Authorization: "Bearer {token}"}
Also repeat: N with steps of its own; sessions: [{name:, weight:, steps:}] for
several kinds; headers: for all; arrivals: requests, so that -R and -n count
requests instead of sessions. A session ends at the first answer that is not ok.

SLO is p99<50ms (or any percentile, max, mean; service.p99 and lag.p99 too),
errors<0.1% of the requests, errors<=3 of them, or rps>900 responses a second.
errors is what was scheduled and not answered ok: failed, a bad answer, in
flight at the end, never sent. Parts of it: unanswered<1% (no whole answer),
dropped<=0 (never sent), achieved>=99% (sent in time). A latency is that of all
requests or of the ok answers alone, whichever is worse. Of no request nothing
holds. 'checkout: p99<200ms' is of one URL or step, by name or path.

Latencies: response counts from when a request was due, service from when it was
sent; lag is the difference. sent = completed + failed + in flight at the end; a
4xx or 5xx is completed but not ok.

--replica auto asks the environment: LOADGEN_REPLICA=I/N (Swarm: --env
'LOADGEN_REPLICA={{.Task.Slot}}/N'), a Kubernetes indexed Job's
JOB_COMPLETION_INDEX with LOADGEN_REPLICAS=N, or Slurm's SLURM_PROCID and
SLURM_NTASKS.

Exit codes:
  0  the run ended, whatever the responses were
  1  not one request was answered, or an output failed
  2  wrong usage, or a file that cannot be opened
  3  INVALID: an open loop sent less than 99 % of its schedule in time through
     this machine's own fault, or more than 1 % of its requests never left this
     machine for want of ports or descriptors
  4  an --abort-on came true
 99  an --slo was missed; --once: an answer that is not ok
Ctrl-C ends the run and prints the report; a second one leaves at once (130).
)"};

constexpr sys::Nanos kLongestUntil = 600 * sys::kSecond;

}  // namespace

void AddEngine(CLI::App& app, std::string& engine) {
  app.add_option("--engine", engine,
                 "what sends: raw (plain http, least CPU), h2 (HTTP/2), curl, or auto: the first that can")
      ->type_name("{auto|raw|h2|curl}")
      ->check(CLI::IsMember({"auto", "raw", "h2", "curl"}).description(""))
      ->group(kConnectionGroup)
      ->capture_default_str();
}

namespace {

CommandLine Understand(int argc, const char* const* argv, int cores) {
  CLI::App app("Measures an HTTP server under load. Each latency counts from when the request was due.",
               "loadgen");
  SetHelp(app, kRunHelp);
  app.set_version_flag("--version", fmt::format("loadgen {} ({})", LOADGEN_VERSION, curl_version()),
                       "print it")
      ->group("Other");
  Options options;
  PlanOptions plan_flags;
  OutputOptions output_flags;
  plan_flags.AddTo(app);
  AddEngine(app, options.engine);
  output_flags.AddTo(app);
  AddTrial(app, options.trial);
  if (auto ended = ParseArguments(app, argc, argv)) {
    if (auto* error = std::get_if<sys::Error>(&*ended)) return std::move(*error);
    return std::get<std::string>(std::move(*ended));
  }
  auto plan = plan_flags.Understand(cores);
  if (!plan) return plan.error();
  auto outputs = output_flags.Understand();
  if (!outputs) return outputs.error();
  options.plan = std::move(*plan);
  options.outputs = std::move(*outputs);
  options.files = DistinctFiles(plan_flags.Files());
  if (const auto fits = FitsTrial(options.trial, options.plan.arrivals, options.outputs); !fits)
    return fits.error();
  if (options.outputs.until && app.count("--duration") + app.count("--requests") + app.count("--stages") == 0)
    options.plan.arrivals.duration = kLongestUntil;
  for (auto* slos : {&options.outputs.slos, &options.outputs.abort_on}) {
    if (const auto aimed = AimAt(TargetNames(options.plan), *slos); !aimed) return aimed.error();
  }
  return options;
}

}  // namespace

CommandLine ParseCommandLine(int argc, const char* const* argv, int cores) {
  const std::vector<std::string> args(argv + std::min(argc, 1), argv + argc);
  if (auto hint = HintForCommand(args); !hint.empty()) return sys::Error{0, std::move(hint)};
  auto line = Understand(argc, argv, cores);
  auto* error = std::get_if<sys::Error>(&line);
  if (const auto hint = error == nullptr ? std::string() : HintFor(args); !hint.empty())
    error->message = error->message.substr(0, error->message.find(manual::kDidYouMean)) + "; " + hint;
  return line;
}

}  // namespace hydrapool::loadgen
