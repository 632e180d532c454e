#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>
#include <utility>

#include "harness/command/cli.h"
#include "harness/command/fault_options.h"
#include "harness/fault/inject_run.h"
#include "harness/fault/replay.h"
#include "harness/fault/victim_group.h"
#include "harness/observe/pool_watch.h"
#include "harness/observe/steady_state.h"
#include "pool/sys/file.h"
#include "pool/sys/signals.h"

namespace hydrapool::harness {
namespace {

constexpr const char* kInjectExamples = R"(
Examples:
  harness inject --admin 127.0.0.1:9180 --every 250ms --for 10s
  harness inject --parent 4711 --fault term --target all --every 1s --count 40
  harness inject --admin 127.0.0.1:9180 --fault stop --hold 500ms --target slot=2 --every 2s --steady http://127.0.0.1:8080/
  harness inject --admin 127.0.0.1:9180 --fault reload --every 2s --for 20s
  harness inject --admin 127.0.0.1:9180 --target any --every 500ms --for 20s
  harness inject --admin 127.0.0.1:9180 --every 200ms --pace poisson --phase executing --for 20s
  harness inject --admin 127.0.0.1:9180 --requests 10000 --count 20
  harness inject --parent $(cat /run/nginx.pid) --any-user --every 50ms --seed 7 --journal faults.jsonl --json -

Without --count and --for it goes on until Ctrl-C or the end of the server's main process. The same seed gives the same faults. Only children of
the parent are ever signalled: with --admin those that the pool calls workers, else those that run the parent's program and, where children
call themselves differently, call themselves workers. Faults by --requests are given up when the server executes none for 30 s.

Exit codes: 0 done; 1 no fault landed, the parent ended before its time, or faults by --requests were given up; 2 usage, or a result that cannot be written; 4 aborted: the server no longer served;
77 refused: this machine cannot do the fault.
)";

constexpr const char* kReplayExamples = R"(
Examples:
  harness replay faults.jsonl --admin 127.0.0.1:9180
  harness replay faults.jsonl --parent $(cat /run/nginx.pid) --any-user --min-alive 1 --steady http://127.0.0.1/

Does the faults of a journal again (harness inject, run and attach write one with --journal; run --dry-run prints one), at the same
times after the start, or after as many requests (given up when the server executes none for 30 s). A worker is the one of the same slot, or, where the server has no slots, the one of the same place in age.

Exit codes: as of harness inject.
)";

struct InjectArguments {
  std::string replay = {};  ///< A journal, instead of a schedule.
  bool dry_run = false;
  InjectRun::Options run;
  FaultOptions faults;
  pid_t parent = 0;
  sys::Nanos duration = 0;
  std::uint64_t count = 0;
  std::string admin;
  std::string journal;
  std::string json;
};

InjectRun::Look LookAt(const InjectArguments& arguments) {
  return [parent = arguments.parent, admin = arguments.admin] {
    return ProcessesNow(admin, parent, kShortPatience);
  };
}

sys::Result<sys::UniqueFd> OpenJournal(const std::string& path) {
  if (path.empty()) return sys::UniqueFd();
  sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644));
  if (!file) return sys::Failure(errno, path);
  return file;
}

InjectRun::Report WriteTo(const sys::UniqueFd& journal) {
  return [&journal](const InjectRecord& record) {
    if (!journal) return;
    const std::string line = ToJson(record) + "\n";
    if (const int error = sys::WriteAll(journal.get(), line); error != 0)
      fmt::print(stderr, "harness: journal: {}\n", std::strerror(error));
  };
}

/// Whether the victims were in the phase that was asked for, by the pool's journal.
InjectSummary::PhaseHits PhasesHit(const std::vector<InjectRecord>& records, sys::Nanos start,
                                   const std::string& admin) {
  InjectSummary::PhaseHits hits;
  const auto fates = FetchFates(admin);
  for (const InjectRecord& record : records) {
    const bool is_told = fates && record.outcome == Outcome::kDead;
    hits.Add(is_told ? WasInPhase(*fates, record.worker->identity.pid, start + record.at, *record.phase)
                     : std::nullopt);
  }
  return hits;
}

sys::Result<InjectSummary> CarryOut(const InjectArguments& arguments, InjectRun::Report report) {
  std::optional<EchoPlan> plan;
  if (!arguments.faults.steady.empty()) {
    const auto found = PlanFor(arguments.faults.steady);
    if (!found) return tl::unexpected(found.error());
    plan = *found;
  }
  sys::EventLoop loop;
  Injector injector(arguments.parent, arguments.faults.limits(), arguments.faults.commands());
  std::vector<InjectRecord> of_a_phase;
  const sys::Nanos start = sys::Now();
  InjectRun run(loop, arguments.run, injector, LookAt(arguments), [&](const InjectRecord& record) {
    if (record.phase && Landed(record.outcome, record.proof)) of_a_phase.push_back(record);
    report(record);
  });
  const sys::SignalEvents interrupts(loop, {SIGINT, SIGTERM}, [&](int) { run.Stop(); });
  std::optional<SteadyState> steady;
  if (plan) {
    steady.emplace(loop, *plan, arguments.faults.within, [&](const std::string& why) {
      fmt::print(stderr, "harness: aborted: {}\n", why);
      run.Stop("breach");
    });
  }
  InjectSummary summary = run.Run();
  if (!of_a_phase.empty()) summary.phases = PhasesHit(of_a_phase, start, arguments.admin);
  return summary;
}

int Tell(const InjectArguments& arguments, const InjectSummary& summary) {
  const bool parent_ended = summary.ended == "parent";
  if (parent_ended) fmt::print(stderr, "harness: the parent, pid {}, has ended\n", arguments.parent);
  const bool stood_still = summary.ended == "requests";
  if (stood_still) fmt::print(stderr, "harness: given up: {}\n", summary.last_reason);
  if (!PrintResults(SummaryText(summary), SummaryJson(summary), arguments.json)) return kExitUsage;
  if (summary.ended == "breach") return kExitAborted;
  if (parent_ended && arguments.run.schedule.bounded()) return kExitFailed;
  if (stood_still) return kExitFailed;
  return summary.landed > 0 || summary.planned == 0 ? kExitDone : kExitFailed;
}

/// Whether these faults can be done again here.
sys::Result<void> CheckReplay(const InjectArguments& arguments) {
  for (const PlannedFault& fault : arguments.run.listed) {
    FaultOptions options = arguments.faults;
    options.fault = fault.fault;
    options.target = fault.target;
    if (fault.fault != Fault::kNetwork) options.how.reset();
    if (fault.fault != Fault::kFullDisk) options.disk.clear();
    if (InfoOf(fault.fault).effect != Effect::kRenews) options.command.clear();
    options.trigger = {.requests = fault.requests, .phase = fault.phase};
    if (auto checked = CheckOptions(options, arguments.admin); !checked) return checked;
  }
  return {};
}

/// Each once.
std::vector<Target> TargetsOf(const InjectArguments& arguments) {
  if (arguments.replay.empty()) return {arguments.run.schedule.target};
  std::vector<Target> targets;
  for (const PlannedFault& fault : arguments.run.listed) {
    if (std::ranges::find(targets, fault.target) == targets.end()) targets.push_back(fault.target);
  }
  return targets;
}

std::set<Fault> KindsOf(const InjectArguments& arguments) {
  if (arguments.replay.empty()) return {arguments.run.schedule.fault};
  std::set<Fault> faults;
  for (const PlannedFault& fault : arguments.run.listed) faults.insert(fault.fault);
  return faults;
}

int Inject(InjectArguments& arguments);

int Replay(InjectArguments& arguments) {
  if (const auto writable = CheckWritable(arguments.json); !writable)
    return UsageError(writable.error().message);
  const auto faults = FaultsIn(sys::ReadFile(arguments.replay), arguments.replay);
  if (!faults) return UsageError(faults.error().message);
  arguments.run.listed = *faults;
  arguments.run.schedule.count = faults->size();
  arguments.run.harm = arguments.faults.harm();
  if (const auto checked = CheckReplay(arguments); !checked) return Refusal(checked.error());
  return Inject(arguments);
}

int PrintSchedule(const InjectRun::Options& run) {
  const ScheduleSpec& spec = run.schedule;
  if (!spec.bounded() || (spec.trigger.requests && !spec.count))
    return UsageError("--dry-run needs --count, or --every and --for");
  std::vector<PlannedFault> faults;
  FaultSchedule schedule(spec);
  while (auto fault = schedule.Next()) {
    if (InfoOf(fault->fault).effect == Effect::kHolds) fault->hold = run.hold;
    faults.push_back(std::move(*fault));
  }
  return PrintPlan(faults);
}

int Inject(InjectArguments& arguments) {
  if (const auto writable = CheckWritable(arguments.json); !writable)
    return UsageError(writable.error().message);
  if (arguments.faults.how && arguments.faults.port == 0) return UsageError("--how needs --port");
  const bool is_replay = !arguments.replay.empty();
  if (const auto fits = CheckOptions(arguments.faults, arguments.admin); !fits && !is_replay)
    return Refusal(fits.error());
  const auto found = MainProcess(arguments.parent, arguments.admin);
  if (!found) return UsageError(found.error().message);
  arguments.parent = *found;
  const auto checked = CheckVictims(arguments.admin, arguments.parent, arguments.faults.any_user);
  if (!checked) return UsageError(checked.error().message);
  for (const Fault fault : KindsOf(arguments)) {
    if (fault == Fault::kProcesses) continue;  // its workers may be another user's, for whom a limit will do
    if (auto why = WhyNoGroup(fault, arguments.parent))
      return Refusal({.code = kCannotHere, .message = std::move(*why)});
  }
  for (const Target& target : TargetsOf(arguments)) {
    const auto there = CheckTarget(arguments.admin, arguments.parent, target);
    if (!there) return UsageError(there.error().message);
  }
  const auto journal = OpenJournal(arguments.journal);
  if (!journal) return UsageError(journal.error().message);

  const auto summary = CarryOut(arguments, WriteTo(*journal));
  if (!summary) return UsageError(summary.error().message);
  return Tell(arguments, *summary);
}

void AddServerOptions(CLI::App& app, InjectArguments& arguments) {
  AddParent(app, arguments.parent);
  AddDuration(app, "--dead-within", arguments.run.dead_within,
              "After that a worker has survived (default 5s)");
  app.add_option("--admin", arguments.admin, "The pool's admin endpoint, which knows its workers")
      ->type_name("HOST:PORT");
  app.add_option("--journal", arguments.journal, "Write each fault as a line of JSON")->type_name("FILE");
  app.add_option("--json", arguments.json, "Write the summary as JSON; - for stdout")->type_name("FILE");
}

}  // namespace

void AddReplayCommand(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<InjectArguments>();
  CLI::App& replay = *app.add_subcommand("replay", "Do the faults of a journal again");
  replay.footer(kReplayExamples);
  replay.add_option("file", arguments->replay, "The journal")
      ->required()
      ->check(CLI::ExistingFile.description(""))
      ->type_name("FILE");
  AddServerOptions(replay, *arguments);
  AddLimitOptions(replay, arguments->faults);
  replay.callback([arguments, &exit_code] { exit_code = Replay(*arguments); });
}

void AddInjectCommand(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<InjectArguments>();
  ScheduleSpec& schedule = arguments->run.schedule;
  CLI::App& inject = *app.add_subcommand("inject", "Hurt the workers of a running server on a schedule");
  inject.footer(kInjectExamples + FaultsHelp());
  AddServerOptions(inject, *arguments);
  AddFaultOptions(inject, arguments->faults);
  auto* every = AddDuration(inject, "--every", schedule.every, "The time from one fault to the next");
  AddTriggerOptions(inject, arguments->faults.trigger);
  inject.add_option("--jitter", schedule.jitter, "Part of --every by which a fault's time varies, 0 to 1")
      ->check(CLI::Range(0.0, 1.0).description(""))
      ->type_name("PART");
  auto* count = inject.add_option("--count", arguments->count, "Stop after so many faults")
                    ->check(WholeFrom(1))
                    ->type_name("N");
  auto* duration = AddDuration(inject, "--for", arguments->duration, "Stop after this time");
  inject.add_option("--seed", schedule.seed, "The seed of every draw")
      ->check(WholeFrom(0))
      ->capture_default_str()
      ->type_name("S");
  AddDryRun(inject, arguments->dry_run);
  inject.callback([arguments, every, count, duration, &exit_code] {
    ScheduleSpec& spec = arguments->run.schedule;
    spec.trigger = arguments->faults.trigger;
    if (static_cast<bool>(*every) == spec.trigger.requests.has_value()) {
      exit_code = UsageError("either --every or --requests is required");
      return;
    }
    if (spec.jitter > 0 && spec.trigger.pace == Pace::kPoisson) {
      exit_code = UsageError("--jitter is of a steady pace");
      return;
    }
    if (*count) spec.count = arguments->count;
    if (*duration) spec.duration = arguments->duration;
    spec.fault = arguments->faults.fault;
    spec.target = arguments->faults.chosen_target();
    arguments->run.hold = arguments->faults.hold;
    arguments->run.harm = arguments->faults.harm();
    exit_code = arguments->dry_run ? PrintSchedule(arguments->run) : Inject(*arguments);
  });
}

}  // namespace hydrapool::harness
