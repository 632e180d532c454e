#include "harness/run/load_jobs.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string_view>

#include "harness/echo/echo_run.h"
#include "harness/observe/load_results.h"
#include "harness/observe/steady_state.h"
#include "pool/sys/signals.h"

namespace hydrapool::harness {
namespace {

constexpr std::chrono::milliseconds kNow{0};
constexpr sys::Nanos kAnswerWithin = 3 * sys::kSecond;
constexpr std::uint64_t kHalfCloseAfter = 10;
constexpr sys::Nanos kLastLook = 300 * sys::kMillisecond;

std::string Seconds(sys::Nanos nanos) { return fmt::format("{}us", nanos / sys::kMicrosecond); }

std::vector<std::string> LoadgenArguments(const LoadPlan& load, const std::string& url, sys::Nanos duration,
                                          const std::string& files) {
  std::vector<std::string> arguments{SiblingProgram("loadgen"),
                                     "--quiet",
                                     "-t",
                                     "1",
                                     "-c",
                                     fmt::to_string(load.connections),
                                     "-d",
                                     Seconds(duration),
                                     "--json",
                                     files + ".json",
                                     "--journal",
                                     files + ".jsonl"};
  if (load.rate) arguments.insert(arguments.end(), {"-R", fmt::format("{:.6f}", *load.rate)});
  if (!load.keep_alive) arguments.insert(arguments.end(), {"--connection", "close"});
  arguments.push_back(url);
  return arguments;
}

/// Runs in a child process: asks until the time is over or it is told to stop.
int RunEcho(const EchoOptions& options, const std::string& result_file) {
  sys::EventLoop loop;
  EchoRun run(loop, options);
  const sys::SignalEvents interrupts(loop, {SIGTERM}, [&](int) { run.Stop(); });
  std::ofstream file(result_file);
  file << EchoResultText(run.Run()) << std::flush;
  return file ? 0 : 1;
}

EchoOptions OptionsFor(const std::string& url, int connections, sys::Nanos pause, sys::Nanos duration) {
  auto plan = PlanFor(url);
  if (!plan) sys::ThrowErrno(EADDRNOTAVAIL, plan.error().message);
  EchoOptions options;
  options.plan = std::move(*plan);
  options.plan.pause = pause;
  options.connections = static_cast<std::size_t>(connections);
  options.duration = duration;
  options.answer_within = kAnswerWithin;
  return options;
}

EchoOptions EchoOptionsFor(const EchoLoad& echo, const ScenarioServer& server, sys::Nanos duration) {
  auto options = OptionsFor(server.UrlOf(echo.path), echo.connections, echo.pause, duration);
  options.plan.pipeline = echo.pipeline;
  options.plan.mix = echo.mix;
  options.floods = echo.floods;
  options.plan.slow_reader = echo.slow_reader;
  if (echo.half_close) {
    options.plan.ending = Ending::kHalfClose;
    options.plan.requests = kHalfCloseAfter;
  }
  return options;
}

void TakeUnexamined(const EchoOutcome& outcome, RunRecord& record) {
  for (const auto& [kind, count] : outcome.unexamined) record.unexamined[kind] += count;
}

}  // namespace

LoadJobs::LoadJobs(const Scenario& scenario, const ScenarioServer& server, const ScratchDir& scratch) {
  const auto start = [](std::vector<Job>& jobs, Job job) {
    job.pidfd = job.child.pidfd();
    jobs.push_back(std::move(job));
  };
  const auto start_echo = [&](std::vector<Job>& jobs, const std::string& name, const EchoOptions& options) {
    const std::string files = scratch / name;
    auto child = StartFunction([&] { return RunEcho(options, files + ".json"); }, files + ".log");
    start(jobs, {.url = fmt::format("http://{}{}", options.plan.host, options.plan.path),
                 .files = files,
                 .child = std::move(child),
                 .connections = static_cast<int>(options.connections)});
  };
  for (const LoadPlan& load : scenario.load) {
    const std::string url = server.UrlOf(load.url);
    if (load.client == Client::kPlain) {
      auto options = OptionsFor(url, load.connections, 0, scenario.duration);
      options.plan.any_answer = true;
      start_echo(plain_, fmt::format("plain-{}", plain_.size()), options);
      continue;
    }
    const std::string files = scratch / fmt::format("load-{}", loads_.size());
    auto child = StartProgram(LoadgenArguments(load, url, scenario.duration, files), files + ".log");
    start(loads_, {.url = url, .files = files, .child = std::move(child), .connections = load.connections});
  }
  if (scenario.echoes()) {
    start_echo(echo_, "echo", EchoOptionsFor(*scenario.echo, server, scenario.duration));
    ledger_ = scenario.echo->ledger;
  }
  if (scenario.idle > 0) {
    const sys::Nanos rest = std::max(scenario.duration - kLastLook, scenario.duration / 2);
    const std::string url = server.UrlOf(scenario.load.front().url);
    auto options = OptionsFor(url, scenario.idle, rest, scenario.duration);
    options.plan.any_answer = true;
    options.spares = true;
    start_echo(idle_, "idle", options);
  }
}

std::vector<const LoadJobs::Job*> LoadJobs::All() const {
  std::vector<const Job*> all;
  for (const auto* jobs : {&loads_, &plain_, &echo_, &idle_}) {
    for (const Job& job : *jobs) all.push_back(&job);
  }
  return all;
}

std::vector<int> LoadJobs::pidfds() const {
  std::vector<int> pidfds;
  for (const Job* job : All()) pidfds.push_back(job->pidfd);
  return pidfds;
}

bool LoadJobs::over() const {
  return std::ranges::all_of(pidfds(), [](int pidfd) { return EndsWithin(pidfd, kNow); });
}

const std::map<FailureKind, std::uint64_t>& LoadJobs::FailedSoFar() {
  for (Job& job : loads_) {
    std::ifstream journal(job.files + ".jsonl");
    journal.seekg(job.journal_read);
    std::string lines;
    for (std::string line; std::getline(journal, line) && !journal.eof();) lines += line + '\n';
    job.journal_read += static_cast<std::streamoff>(lines.size());
    for (const Failure& failure : ReadJournal(lines).failures) ++failed_[failure.kind];
  }
  return failed_;
}

void LoadJobs::Interrupt() const {
  for (const Job* job : All()) job->child.Signal(SIGTERM);
}

void LoadJobs::Collect(RunRecord& record) {
  for (Job& job : loads_) CollectLoad(job, record);
  for (const Job& job : plain_) CollectPlain(job, record);
  for (const Job& job : echo_) CollectEcho(job, record);
  for (const Job& job : idle_) CollectIdle(job, record);
}

void LoadJobs::CollectLoad(Job& job, RunRecord& record) {
  const auto status = job.child.TryReap();
  if (!status) {
    record.loads.push_back({.url = job.url, .broken = "loadgen did not end in time"});
    return;
  }
  record.loads.push_back(
      ReadLoadReport(job.url, ReadFile(job.files + ".json"), *status, LastLineOf(job.files + ".log")));
  auto journalled = ReadJournal(ReadFile(job.files + ".jsonl"));
  record.in_flight_at_end += journalled.in_flight_at_end;
  std::ranges::move(journalled.failures, std::back_inserter(record.failures));
}

void LoadJobs::CollectEcho(const Job& job, RunRecord& record) const {
  auto echo = ReadEchoResult(job.url, ReadFile(job.files + ".json"));
  record.ids.checked = echo.load.sent;
  record.ids.duplicated = echo.duplicated;
  record.ids.wrong = echo.wrong;
  if (!ledger_.empty()) record.ids.executed_twice = ExecutedTwice(ReadFile(ledger_));
  echo.load.client = "with ids";
  TakeUnexamined(echo, record);
  record.loads.push_back(std::move(echo.load));
  std::ranges::move(echo.failures, std::back_inserter(record.failures));
}

void LoadJobs::CollectPlain(const Job& job, RunRecord& record) {
  auto plain = ReadEchoResult(job.url, ReadFile(job.files + ".json"));
  plain.load.client = "plain client";
  TakeUnexamined(plain, record);
  constexpr std::uint64_t kNotByChance = 10;
  if (plain.after_one >= kNotByChance && plain.after_one * 2 >= plain.opened)
    record.notes.push_back(
        fmt::format("{} ends connections after one answer without saying Connection: close, and so loses the "
                    "next request: ask "
                    "it with --close (keep_alive: false)",
                    job.url));
  if (plain.load.rate > 0)
    plain.load.service_mean = static_cast<sys::Nanos>(1e9 * job.connections / plain.load.rate);
  record.loads.push_back(std::move(plain.load));
  std::ranges::move(plain.failures, std::back_inserter(record.failures));
}

void LoadJobs::CollectIdle(const Job& job, RunRecord& record) {
  const auto idle = ReadEchoResult(job.url, ReadFile(job.files + ".json"));
  if (!idle.load.broken.empty()) return record.loads.push_back(idle.load);
  record.resting.count = static_cast<std::uint64_t>(job.connections);
  record.resting.answered = std::min(idle.answered, record.resting.count);
  record.resting.kept = idle.unkept * 2 <= idle.opened;
  const std::uint64_t not_lost = idle.connect_failed + idle.unkept + record.resting.count;
  record.resting.lost = idle.opened - std::min(idle.opened, not_lost);
  if (!record.resting.kept)
    record.notes.push_back(
        fmt::format("{} ends connections as soon as it has answered: none of {} could rest", job.url,
                    record.resting.count));
}

}  // namespace hydrapool::harness
