#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "loadgen/engine_choice.h"
#include "loadgen/journal.h"
#include "loadgen/load_test.h"
#include "loadgen/options.h"
#include "loadgen/progress.h"
#include "loadgen/report.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/signals.h"

namespace loadgen {
namespace {

enum ExitCode { kRan = 0, kNothing = 1, kUsage = 2, kInvalid = 3, kMissed = 99, kInterruptedTwice = 130 };

constexpr rlim_t kOtherDescriptors = 64;

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

int Complain(ExitCode code, const std::string& line) {
  fmt::print(stderr, "loadgen: {}\n", line);
  return code;
}

/// Raises the soft limit as far as it may go; says what is missing.
std::optional<std::string> NeedDescriptors(const Plan& plan) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto needed = static_cast<rlim_t>(plan.connections) + kOtherDescriptors;
  if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= needed) return std::nullopt;
  return fmt::format("-c {} needs {} file descriptors and the limit is {} (ulimit -Hn)", plan.connections,
                     needed, limit.rlim_cur);
}

/// Waits for the end of the test, showing progress; SIGINT and SIGTERM stop it, a second one leaves at once.
void Watch(LoadTest& test, bool quiet) {
  sys::EventLoop loop;
  ProgressView view;
  bool ended = false;
  bool stopping = false;
  const auto done = loop.Add(test.done_fd(), EPOLLIN, [&](std::uint32_t) { ended = true; });
  const sys::SignalEvents signals(loop, {SIGINT, SIGTERM}, [&](int) {
    if (stopping) ::_exit(kInterruptedTwice);
    stopping = true;
    test.Stop();
  });
  const sys::Nanos start = sys::Now();
  Progress before;
  sys::Nanos shown = start;
  sys::EventLoop::Timer timer;
  const std::function<void()> show = [&] {
    const auto now = test.progress();
    view.Show(
        ProgressLine(sys::ToSeconds(loop.now() - start), sys::ToSeconds(loop.now() - shown), before, now));
    before = now;
    shown = loop.now();
    timer = loop.At(shown + sys::kSecond, show);
  };
  if (!quiet) timer = loop.At(start + sys::kSecond, show);
  while (!ended) loop.RunOnce();
  if (!quiet) view.Clear();
}

int Conclude(const Report& report, std::FILE* json) {
  fmt::print(json == stdout ? stderr : stdout, "{}", ToText(report));
  if (json != nullptr) {
    const auto text = ToJson(report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    if (std::fputs(text.c_str(), json) == EOF || std::fflush(json) != 0)
      return Complain(kNothing, "cannot write the JSON report");
  }
  if (!report.self.valid) return kInvalid;
  if (NothingReached(report)) return kNothing;
  return report.slos_met() ? kRan : kMissed;
}

int Run(const Options& options) {
  const auto engine = ChooseEngine(options.engine, options.plan);
  if (!engine) return Complain(kUsage, engine.error().message);
  if (const auto missing = NeedDescriptors(options.plan)) return Complain(kUsage, *missing);
  File json(nullptr, &std::fclose);
  if (options.outputs.json == "-") {
    json = File(stdout, &std::fflush);
  } else if (!options.outputs.json.empty()) {
    json.reset(std::fopen(options.outputs.json.c_str(), "we"));
    if (!json)
      return Complain(kUsage,
                      sys::Failure(errno, "--json: cannot write " + options.outputs.json).value().message);
  }
  std::optional<Journal> journal;
  if (!options.outputs.journal.empty()) {
    auto opened = Journal::Open(options.outputs.journal);
    if (!opened) return Complain(kUsage, opened.error().message);
    journal = std::move(*opened);
  }
  LoadTest test(options.plan, engine->factory, journal ? &*journal : nullptr);
  test.Start();
  Watch(test, options.outputs.quiet);
  return Conclude(MakeReport(engine->name, options.plan, test.Wait(), options.outputs.slos), json.get());
}

int Main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  const auto command = ParseCommandLine(argc, argv, cores);
  if (const auto* text = std::get_if<std::string>(&command)) {
    fmt::print("{}", *text);
    return kRan;
  }
  if (const auto* error = std::get_if<sys::Error>(&command))
    return Complain(kUsage, error->message + " (see --help)");
  return Run(std::get<Options>(command));
}

}  // namespace
}  // namespace loadgen

int main(int argc, char** argv) {
  try {
    return loadgen::Main(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "loadgen: {}\n", error.what());
    return 1;
  }
}
