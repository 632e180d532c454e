#include "harness/load_jobs.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "harness/echo_run.h"
#include "harness/load_results.h"
#include "pool/sys/signals.h"

namespace harness {
namespace {

constexpr std::chrono::milliseconds kNow{0};
constexpr sys::Nanos kAnswerWithin = 3 * sys::kSecond;
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

EchoOptions OptionsFor(const std::string& origin, const std::string& path, int connections, sys::Nanos pause,
                       sys::Nanos duration) {
  EchoOptions options;
  if (const auto resolved = Resolve(origin.substr(std::string("http://").size()), options.plan); !resolved)
    sys::ThrowErrno(EADDRNOTAVAIL, resolved.error().message);
  options.plan.path = path;
  options.plan.pause = pause;
  options.connections = static_cast<std::size_t>(connections);
  options.duration = duration;
  options.answer_within = kAnswerWithin;
  return options;
}

std::string WithPort(const std::string& origin) {
  return origin.find(':', std::string("http://").size()) == origin.npos ? origin + ":80" : origin;
}

}  // namespace

LoadJobs::LoadJobs(const Scenario& scenario, const ServerUnderTest& server, const ScratchDir& scratch) {
  const auto start = [](std::vector<Job>& jobs, std::string url, std::string files, sys::Child child) {
    const int pidfd = child.pidfd();
    jobs.push_back(
        {.url = std::move(url), .files = std::move(files), .child = std::move(child), .pidfd = pidfd});
  };
  for (const LoadPlan& load : scenario.load) {
    const std::string url = server.UrlOf(load.url);
    const std::string files = scratch / fmt::format("load-{}", loads_.size());
    const auto arguments = LoadgenArguments(load, url, scenario.duration, files);
    start(loads_, url, files, StartProgram(arguments, files + ".log"));
  }
  const std::string origin = WithPort(server.origin());
  const auto start_echo = [&](std::vector<Job>& jobs, const std::string& name, const EchoOptions& options) {
    const std::string files = scratch / name;
    start(jobs, origin + options.plan.path, files,
          StartFunction([&] { return RunEcho(options, files + ".json"); }, files + ".log"));
  };
  if (scenario.echoes()) {
    start_echo(echo_, "echo",
               OptionsFor(origin, "/", scenario.echo->connections, scenario.echo->pause, scenario.duration));
  }
  if (scenario.idle > 0) {
    resting_ = static_cast<std::uint64_t>(scenario.idle);
    const std::string url = server.UrlOf(scenario.load.front().url);
    const std::string path = OriginOf(url) == url ? "/" : url.substr(OriginOf(url).size());
    const sys::Nanos rest = std::max(scenario.duration - kLastLook, scenario.duration / 2);
    start_echo(idle_, "idle", OptionsFor(origin, path, scenario.idle, rest, scenario.duration));
  }
}

std::vector<int> LoadJobs::pidfds() const {
  std::vector<int> pidfds;
  for (const auto* jobs : {&loads_, &echo_, &idle_}) {
    for (const Job& job : *jobs) pidfds.push_back(job.pidfd);
  }
  return pidfds;
}

bool LoadJobs::over() const {
  return std::ranges::all_of(pidfds(), [](int pidfd) { return EndsWithin(pidfd, kNow); });
}

void LoadJobs::Interrupt() const {
  for (const auto* jobs : {&loads_, &echo_, &idle_}) {
    for (const Job& job : *jobs) job.child.Signal(SIGTERM);
  }
}

void LoadJobs::Collect(RunRecord& record) {
  for (Job& job : loads_) CollectLoad(job, record);
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

void LoadJobs::CollectEcho(const Job& job, RunRecord& record) {
  auto echo = ReadEchoResult(job.url, ReadFile(job.files + ".json"));
  record.with_ids = echo.load.sent;
  record.duplicated = echo.duplicated;
  record.wrong = echo.wrong;
  record.loads.push_back(std::move(echo.load));
  std::ranges::move(echo.failures, std::back_inserter(record.failures));
}

void LoadJobs::CollectIdle(const Job& job, RunRecord& record) const {
  const auto idle = ReadEchoResult(job.url, ReadFile(job.files + ".json"));
  if (!idle.load.broken.empty()) return record.loads.push_back(idle.load);
  record.idle = resting_;
  record.idle_lost = idle.opened - idle.connect_failed - resting_;
}

}  // namespace harness
