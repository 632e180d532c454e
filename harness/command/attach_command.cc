#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "harness/command/cli.h"
#include "harness/command/fault_options.h"
#include "harness/command/run_command.h"
#include "harness/observe/pool_watch.h"
#include "harness/run/scenario.h"
#include "harness/run/scenario_server.h"
#include "pool/sys/units.h"

namespace hydrapool::harness {
namespace {

constexpr const char* kAttachExamples = R"(
Examples:
  harness attach --parent 4711 --rate 2000 --connections 64 --every 250ms --duration 10s http://127.0.0.1:8080/
  harness attach --parent 4711 --fault stop --hold 500ms --min-alive 2 --steady http://127.0.0.1:8080/ http://127.0.0.1:8080/
  sudo harness attach --any-user --parent $(cat /run/nginx.pid) http://127.0.0.1:80/
  harness attach --parent $(cat /run/nginx.pid) --fault reload --command 'nginx -s reload' --every 2s http://127.0.0.1:8080/
  harness attach --admin 127.0.0.1:9180 --target any --every 500ms --expect lost=0 http://127.0.0.1:8080/
  harness attach --parent 4711 --no-faults --expect lost=0 http://127.0.0.1:8080/
  harness attach --admin 127.0.0.1:9180 --expect lost=0 http://127.0.0.1:8080/

Puts load on any pre-fork server and hurts its workers: the parent's children that run the parent's program, call
themselves workers where they call themselves anything, and belong to the same user as the harness (with --any-user root hurts
those of others). Tells what each fault cost the clients, and when the dead were reaped and replaced, seen from
outside: death by pidfd, the rest in /proc. With --admin (hydrapool) also when the replacement answered.

Without --rate the connections ask again at once, as wrk's do, and lose what wrk loses. With --rate (or --close) it is loadgen
that asks: it also tells latencies, and loses less, since it looks whether a connection has ended before it uses it again.

Exit codes: 0 PASS: what was expected held (by default only that no request failed without a fault); 1 FAIL; 2 usage;
3 INVALID: no fault landed, or none while a request was in flight, or what was expected could not be measured; 4 ABORTED: by Ctrl-C, or the server no longer served;
77 refused: this machine cannot do the fault.
)";

struct AttachArguments {
  Attachment attach;
  LoadPlan load{.url = {}, .rate = {}, .connections = 64};
  double rate = 0;
  FaultOptions faults;
  sys::Nanos from = sys::kSecond;
  bool no_faults = false;
  sys::Nanos every = 250 * sys::kMillisecond;
  int idle = 16;
  bool close = false;
  sys::Nanos duration = 10 * sys::kSecond;
  std::uint64_t seed = 1;
  bool dry_run = false;
  std::vector<std::string> expect;
  ReportFiles files;
};

sys::Result<Scenario> ScenarioOf(const AttachArguments& arguments) {
  if (!arguments.load.url.starts_with("http://"))
    return sys::Failure(fmt::format("'{}' does not start with http://", arguments.load.url));
  Scenario scenario;
  scenario.name = "attach";
  scenario.proves = fmt::format("pid {} at {}", arguments.attach.parent, arguments.load.url);
  scenario.server = arguments.attach;
  scenario.load = {arguments.load};
  scenario.duration = arguments.duration;
  scenario.idle = arguments.idle;
  scenario.echo.reset();
  scenario.limits = arguments.faults.limits();
  scenario.commands = arguments.faults.commands();
  if (!arguments.faults.steady.empty())
    scenario.steady = SteadyPlan{.url = arguments.faults.steady, .within = arguments.faults.within};
  if (!arguments.no_faults) {
    scenario.faults = {{.fault = arguments.faults.fault,
                        .target = arguments.faults.chosen_target(),
                        .every = arguments.every,
                        .from = arguments.from,
                        .to = arguments.duration - std::min(arguments.duration / 10, sys::kSecond),
                        .hold = arguments.faults.hold,
                        .trigger = arguments.faults.trigger,
                        .network = arguments.faults.how}};
    scenario.disk.directory = arguments.faults.disk;
    if (arguments.faults.trigger.requests) scenario.faults[0].every.reset();
    if (arguments.from >= arguments.duration) return sys::Failure("--from is beyond --duration");
  }
  for (const std::string& text : arguments.expect) {
    const auto expectation = ParseExpectation(text);
    if (!expectation) return sys::Failure("--expect " + expectation.error().message);
    scenario.expect[expectation->first] = expectation->second;
  }
  return scenario;
}

/// The command line that asks for the same.
std::string ReplayOf(const AttachArguments& arguments) {
  std::string line =
      fmt::format("harness attach --parent {} --connections {} --idle {} --duration {} --seed {}",
                  arguments.attach.parent, arguments.load.connections, arguments.idle,
                  TimeWord(arguments.duration), arguments.seed);
  if (!arguments.attach.admin.empty()) line += " --admin " + arguments.attach.admin;
  if (arguments.load.rate) line += fmt::format(" --rate {}", *arguments.load.rate);
  if (!arguments.load.keep_alive) line += " --close";
  if (arguments.no_faults) {
    line += " --no-faults";
  } else {
    line += arguments.faults.words() +
            fmt::format(" --every {} --from {}", TimeWord(arguments.every), TimeWord(arguments.from));
  }
  for (const std::string& text : arguments.expect) line += " --expect " + text;
  return line + " " + arguments.load.url;
}

int Attach(AttachArguments& arguments) {
  if (arguments.dry_run) {
    if (arguments.faults.trigger.requests)
      return UsageError("--dry-run cannot tell how many faults --requests comes to");
    const auto scenario = ScenarioOf(arguments);
    return scenario ? PrintPlan(FaultsOf(*scenario, arguments.seed)) : UsageError(scenario.error().message);
  }
  if (const auto writable = CheckWritable(arguments.files); !writable)
    return UsageError(writable.error().message);
  const auto parent = MainProcess(arguments.attach.parent, arguments.attach.admin);
  if (!parent) return UsageError(parent.error().message);
  arguments.attach.parent = *parent;
  arguments.attach.url = arguments.load.url;
  arguments.load.keep_alive = !arguments.close;
  if (arguments.rate > 0) {
    arguments.load.rate = arguments.rate;
  } else if (!arguments.close) {
    arguments.load.client = Client::kPlain;
  }
  const auto checked = CheckOptions(arguments.faults, arguments.attach.admin);
  if (!checked && !arguments.no_faults) return Refusal(checked.error());
  const auto scenario = ScenarioOf(arguments);
  if (!scenario) return UsageError(scenario.error().message);
  return RunAndReport(*scenario, arguments.seed, ReplayOf(arguments), arguments.files);
}

}  // namespace

void AddAttachCommand(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<AttachArguments>();
  CLI::App& attach = *app.add_subcommand("attach", "Load any running pre-fork server and hurt its workers");
  attach.footer(kAttachExamples + FaultsHelp());
  AddParent(attach, arguments->attach.parent);
  attach.add_option("url", arguments->load.url, "What to ask")->required()->type_name("URL");
  AddParsed(attach, "--rate", arguments->rate, sys::ParseRate,
            "Requests a second (default: as fast as they are answered)")
      ->type_name("N");
  attach.add_option("--connections", arguments->load.connections, "Connections, or the most with --rate")
      ->check(CLI::Range(1, 100'000).description(""))
      ->capture_default_str()
      ->type_name("N");
  attach.add_flag("--close", arguments->close, "A new connection for each request");
  attach.add_option("--idle", arguments->idle, "Connections that rest beside the load")
      ->check(WholeFrom(0))
      ->capture_default_str()
      ->type_name("N");
  AddDuration(attach, "--duration", arguments->duration, "How long (default 10s)");
  attach.add_flag("--no-faults", arguments->no_faults, "Hurt no worker: what is lost without faults?");
  AddFaultOptions(attach, arguments->faults);
  AddTriggerOptions(attach, arguments->faults.trigger);
  AddDuration(attach, "--every", arguments->every, "The time from one fault to the next (default 250ms)");
  AddDuration(attach, "--from", arguments->from, "The first fault (default 1s)");
  attach
      .add_option("--admin", arguments->attach.admin, "hydrapool's admin endpoint, which knows its workers")
      ->type_name("HOST:PORT");
  attach.add_option("--expect", arguments->expect, "What must hold, as lost=0 or reap_p99=50ms; repeatable")
      ->allow_extra_args(false)
      ->type_name("NAME=N");
  attach.add_option("--seed", arguments->seed, "The seed of every draw")
      ->check(WholeFrom(0))
      ->capture_default_str()
      ->type_name("S");
  AddDryRun(attach, arguments->dry_run);
  AddReportOptions(attach, arguments->files);
  attach.callback([arguments, &exit_code] { exit_code = Attach(*arguments); });
}

}  // namespace hydrapool::harness
