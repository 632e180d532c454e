#include "harness/command/run_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>

#include "harness/command/cli.h"
#include "harness/command/fault_options.h"
#include "harness/command/metrics_endpoint.h"
#include "harness/command/screen.h"
#include "harness/fault/guard.h"
#include "harness/fault/undo.h"
#include "harness/report/live_text.h"
#include "harness/run/scenario_run.h"
#include "pool/sys/signals.h"

namespace hydrapool::harness {
namespace {

constexpr const char* kRunExamples = R"(
Examples:
  harness run harness/scenarios/kill-storm.yaml
  harness run harness/scenarios/kill-storm.yaml --seed 7 --json result.json --report result.html
  harness run my.yaml --junit result.xml --summary "$GITHUB_STEP_SUMMARY"
  harness run my.yaml --json - | jq .requests
  harness run my.yaml --seed 7 --dry-run

A scenario:

  name: kill-storm
  proves: a killed worker costs its clients nothing
  start: { hydrapool: { workers: 4, cgi_dir: cgi-bin } }
                    # or  start: { command: [nginx, -c, /tmp/n.conf, -g, daemon off;], url: http://127.0.0.1:8080 }
                    # or  attach: { parent: 4711, url: http://127.0.0.1:8080, admin: 127.0.0.1:9180 }
  load:
    - { url: /, rate: 2000, connections: 64 }     # requests a second; without a rate as fast as they are answered
    - { url: /cgi-bin/hello, rate: 100, connections: 16 }
  faults:
    - { fault: kill, target: random, every: 50ms, from: 1s, to: 9s }  
    - { fault: stop, target: slot=1, for: 500ms, from: 4s }             # held so long, then taken back
    - { fault: kill, target: random, every: 200ms, pace: poisson }      # so far apart on average
    - { fault: kill, target: random, requests: 5000, count: 9 }         # each time so many more were executed
    - { fault: kill, target: random, every: 1s, phase: executing }      # one that is idle, reading, executing, responding
    - { fault: kill, target: random, every: 1s, phase: responding, exact: true }   # to the instruction; needs a build with failpoints
    - { fault: kill, target: cgi-of=0, every: 1s }                      # a program that slot 0 runs
    - { fault: kill, target: any, every: 1s }   # any process of the server; parent and supervisor are targets too
    - { fault: reload, every: 3s }              # of the whole server; upgrade and restart are the others
    - { fault: network, how: loss 5%, every: 3s, for: 1s }    # or partition, reset 1%, disconnect 10%, rate 100kb, delay 50ms, reorder 25%
    - { fault: full-disk, from: 5s, for: 1s }   # needs  disk: 8mb
  commands: { reload: [nginx, -s, reload] }   # where the server needs a command of its own for these
  limits: { min_alive: 1, faults: 500 }       # workers that are left alone; blows in all
  steady: { url: /, within: 1s }              # abort when nothing is answered for so long
  duration: 10s
  expect: { lost: 0, cut: 0, unexplained: 0, idle_lost: 0, ready_p99: 50ms }

Beside the load, hydrapool's / is asked with ids, each to be answered once (echo: { connections: 16, pause: 20ms }, or off), and
16 connections rest (idle: 16). Counts of `expect` are "at most": lost cut abandoned unexplained duplicated wrong idle_lost
unreaped extra_workers missing_workers leaked (descriptors of the main process; these four of the server two seconds after its clients)
executed_twice (echo: { ledger: FILE });
times "not longer than": reap_p99, ready_p99 (death to replacement ready), recovery_p99 (to its first answer, for which a client
must ask), response_p99, cpu_per_request. Those not named are not judged, but for unexplained, duplicated, wrong and unreaped, which are to be 0. cgi_dir is
looked for beside the scenario, then in the directory above this program's.

In command, files, commands, flags and ledger WORK is a directory of the run's own, PORT a free port, DISK the one that can be filled:
  start: { command: [nginx, -c, WORK/n.conf], url: 'http://127.0.0.1:PORT/', files: { n.conf: '...' } }

Exit codes: 0 PASS; 1 FAIL; 2 usage, the server cannot be started, or a report cannot be written; 3 INVALID: nothing was exercised
(no fault landed, none of a line of faults, or none while a request was in flight), what is expected could not be measured, or the load
generator could not keep its schedule; 4 ABORTED: by Ctrl-C, or the server no longer served (steady);
77 refused: this machine or build cannot do a fault (network, full-disk, oom, throttle, exact phases).
)";

struct RunArguments {
  std::string file;
  std::uint64_t seed = 0;
  bool has_seed = false;
  bool dry_run = false;
  ReportFiles files;
};

/// The run as it is, on a terminal: drawn over what it drew before.
class LiveView {
 public:
  LiveView(const Expectations& expected, std::size_t columns) : columns_(columns) {
    for (const Measure measure : {Measure::kLost, Measure::kCut}) {
      if (const auto limit = expected.find(measure); limit != expected.end())
        allowed_ = allowed_.value_or(0) + limit->second;
    }
  }
  void Show(Progress progress) {
    progress.allowed = allowed_;
    const std::string text = LiveText(progress, columns_);
    Clear();
    fmt::print(stderr, "{}", text);
    lines_ = std::ranges::count(text, '\n');
  }
  void Clear() {
    if (columns_ > 0) fmt::print(stderr, "\r");  // behind a ^C
    if (lines_ > 0) fmt::print(stderr, "\x1b[{}A", lines_);
    if (columns_ > 0) fmt::print(stderr, "\x1b[J");
    lines_ = 0;
  }

 private:
  std::optional<std::int64_t> allowed_;
  std::size_t columns_;
  std::ptrdiff_t lines_ = 0;
};

Undo Removal(const std::filesystem::path& directory) {
  Undo undo{.kind = Undo::Kind::kRemoveAll};
  return Undo::Note(directory, undo.path) ? undo : Undo{};
}

std::uint64_t FreshSeed() { return std::random_device()() % 1'000'000; }

int Run(const RunArguments& arguments) {
  if (!arguments.dry_run) {
    const auto writable = CheckWritable(arguments.files);
    if (!writable) return UsageError(writable.error().message);
  }
  if (!std::filesystem::exists(arguments.file))
    return UsageError(fmt::format("{}: no such file", arguments.file));
  if (std::filesystem::is_directory(arguments.file))
    return UsageError(fmt::format("{}: a directory, and no scenario", arguments.file));
  const auto scenario = ParseScenario(ReadFile(arguments.file), arguments.file);
  if (!scenario) return UsageError(scenario.error().message);
  const std::uint64_t seed = arguments.has_seed ? arguments.seed : scenario->seed.value_or(FreshSeed());
  if (arguments.dry_run) return PrintPlan(FaultsOf(*scenario, seed));
  const std::string replay = fmt::format("harness run {} --seed {}", arguments.file, seed);
  return RunAndReport(*scenario, seed, replay, arguments.files);
}

}  // namespace

int RunAndReport(const Scenario& scenario, std::uint64_t seed, const std::string& replay,
                 const ReportFiles& files) {
  ScratchDir scratch;
  Guard guard;
  const auto guarded = guard.Remember(Removal(scratch.path()));
  sys::EventLoop loop;
  ScenarioRun run(loop, scenario, seed, scratch);
  std::optional<MetricsEndpoint> endpoint;
  if (!files.metrics.empty()) {
    endpoint.emplace(loop, files.metrics);
    run.ReportFaults([&endpoint](const FaultRecord& fault) { endpoint->Count(fault); });
  }
  const sys::SignalEvents interrupts(loop, {SIGINT, SIGTERM}, [&](int) { run.Interrupt(); });
  const auto columns = ColumnsOf(STDERR_FILENO);
  LiveView live(scenario.expect, columns.value_or(0));
  if (columns) run.ReportProgress([&live](const Progress& progress) { live.Show(progress); });
  const auto record = run.Run();
  live.Clear();
  if (!record) return Refusal(record.error());
  const Judgement judgement = Judge(*record, scenario.expect);
  RunTitle title{
      .name = scenario.name, .proves = scenario.proves, .seed = seed, .replay = replay, .evidence = {}};
  if (judgement.verdict != Verdict::kPass) {
    scratch.Keep();
    guard.Forget(guarded);
    title.evidence = scratch.path().string();
  }
  const bool written = WriteReports(files, title, *record, judgement, scenario.expect);
  if (endpoint) endpoint->Tell(judgement);
  return written ? ExitCodeOf(judgement.verdict) : kExitUsage;
}

void AddRunCommand(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<RunArguments>();
  CLI::App& run = *app.add_subcommand("run", "Carry out a scenario: server, load, faults, verdict");
  run.footer(kRunExamples + FaultsHelp() + "Targets: " + TargetNames() + ".\n");
  run.add_option("scenario", arguments->file, "The scenario")->required()->type_name("FILE");
  auto* seed = run.add_option("--seed", arguments->seed,
                              "The seed of every draw (default: the scenario's, or a new one each time)");
  seed->check(WholeFrom(0))->type_name("S");
  AddDryRun(run, arguments->dry_run);
  AddReportOptions(run, arguments->files);
  run.callback([arguments, seed, &exit_code] {
    arguments->has_seed = static_cast<bool>(*seed);
    exit_code = Run(*arguments);
  });
}

}  // namespace hydrapool::harness
