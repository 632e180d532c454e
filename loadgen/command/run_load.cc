#include "loadgen/command/run_load.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "loadgen/engine/load_run.h"
#include "loadgen/plan/due_so_far.h"
#include "loadgen/plan/scenario.h"
#include "loadgen/plan/start_time.h"
#include "loadgen/report/progress.h"
#include "pool/sys/event_loop.h"

namespace hydrapool::loadgen {
namespace {

constexpr rlim_t kOtherDescriptors = 32;
constexpr rlim_t kDescriptorsOfAThread = 4;
/// How long after a second's end it is looked at: the threads have told of it by then.
constexpr sys::Nanos kLookAfter = 50 * sys::kMillisecond;
/// How precisely a percentile is known is asked again after a tenth more.
constexpr int kMoreBeforeNextLook = 10;
/// A wait for the start that is not worth a word.
constexpr sys::Nanos kSoon = sys::kSecond / 2;

/// Raises the soft limit as far as it may go; says what is missing.
std::optional<std::string> NeedDescriptors(const Plan& plan) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto needed = static_cast<rlim_t>(plan.connections) +
                      kDescriptorsOfAThread * static_cast<rlim_t>(plan.threads) + kOtherDescriptors;
  if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= needed) return std::nullopt;
  return fmt::format("-c {} needs {} file descriptors and the limit is {} (ulimit -Hn)", plan.connections,
                     needed, limit.rlim_cur);
}

/// Of sessions nobody can tell before the end how many were begun in time.
bool AsksForSchedule(const Options& options) {
  const auto& plan = options.plan;
  if (plan.scenario && !plan.scenario->of_requests) return false;
  return std::ranges::any_of(options.outputs.abort_on,
                             [](const Slo& slo) { return slo.measure == Slo::Measure::kAchieved; });
}

/// Waits for the end of the run, looking at it each second: shows it and ends it early where it must.
class Watcher {
 public:
  Watcher(LoadRun& run, const Options& options, const std::string& engine, RunMetrics* metrics)
      : run_(run),
        options_(options),
        metrics_(metrics),
        start_(run.start()),
        view_(Describe(options.plan, engine), options.plan, start_) {
    if (AsksForSchedule(options)) due_.emplace(options.plan, start_);
  }

  void Wait(const Interrupts& interrupts) {
    bool ended = false;
    const auto done = loop_.Add(run_.done_fd(), EPOLLIN, [&](std::uint32_t) { ended = true; });
    const auto interrupted =
        loop_.Add(interrupts.fd(), EPOLLIN | EPOLLET, [this](std::uint32_t) { run_.Stop(); });
    Look();
    while (!ended) loop_.RunOnce();
    view_.Clear();
  }
  /// Why it was ended, where an --abort-on came true.
  [[nodiscard]] const std::string& aborted() const { return aborted_; }

 private:
  void Look() {
    if (loop_.now() >= start_ + kLookAfter) {
      LookAtRun();
    } else if (start_ - loop_.now() > kSoon && !options_.outputs.quiet) {
      view_.Await(loop_.now());
    }
    LookNext();
  }
  void LookAtRun() {
    auto progress = run_.progress();
    if (aborted_.empty() && !options_.outputs.abort_on.empty()) AbortIfTold(progress);
    sent_before_ = progress.sent;
    if (options_.outputs.until && !known_) StopIfKnown(*options_.outputs.until);
    if (metrics_ != nullptr) metrics_->Update(run_, progress);
    if (!options_.outputs.quiet) view_.Show(run_, std::move(progress), loop_.now());
  }
  void AbortIfTold(const Progress& progress) {
    const auto elapsed = loop_.now() - start_;
    const auto& plan = options_.plan;
    const auto sending = plan.arrivals.count ? elapsed : std::min(elapsed, plan.arrivals.duration);
    const auto due = due_ ? due_->By(loop_.now() - kLookAfter) : 0;
    const auto facts = FactsSoFar(run_.latencies(), progress, sent_before_, due, sys::ToSeconds(sending));
    for (const auto& slo : options_.outputs.abort_on) {
      if (slo.measure == Slo::Measure::kAchieved && !due_) continue;
      const auto verdict = slo.url ? CheckSoFar(slo, sys::ToSeconds(sending)) : Check(slo, facts);
      if (!verdict.met) continue;
      aborted_ = fmt::format("{} after {:.0f} s: {}", verdict.text, sys::ToSeconds(elapsed), verdict.shown);
      return run_.Stop();
    }
  }
  void StopIfKnown(const Until& until) {
    const auto elapsed = loop_.now() - start_ - kLookAfter;
    if (elapsed < next_precision_) return;
    next_precision_ = elapsed + elapsed / kMoreBeforeNextLook;
    const auto precision = PrecisionSoFar(until, run_.series(), elapsed);
    if (!precision || *precision > until.share) return;
    known_ = true;
    run_.Stop();
  }
  [[nodiscard]] SloVerdict CheckSoFar(const Slo& slo, double seconds) const {
    const auto& targets = run_.latencies().targets;
    const auto known = std::min(targets.size(), TargetCutter::kOthers);
    auto ended = *slo.url < known ? targets[*slo.url] : TargetCounts{};
    ended.sent = ended.ended();
    return Check(slo, FactsOf(ended, seconds));
  }
  void LookNext() {
    const auto since = loop_.now() - start_ - kLookAfter;
    const auto seconds = since >= 0 ? since / sys::kSecond + 1 : -((-since - 1) / sys::kSecond);
    timer_ = loop_.At(start_ + (seconds == 0 ? 1 : seconds) * sys::kSecond + kLookAfter, [this] { Look(); });
  }

  LoadRun& run_;
  const Options& options_;
  RunMetrics* metrics_;
  sys::EventLoop loop_;
  sys::Nanos start_;
  ProgressView view_;
  sys::EventLoop::Timer timer_;
  bool known_ = false;             // --until
  std::uint64_t sent_before_ = 0;  // by the last look
  std::optional<DueSoFar> due_;    // where an --abort-on asks
  std::string aborted_;
  sys::Nanos next_precision_ = 0;  // elapsed
};

}  // namespace

sys::Result<EngineChoice> Prepare(const Options& options) {
  auto engine = ChooseEngine(options.engine, options.plan);
  if (!engine) return engine;
  if (const auto missing = NeedDescriptors(options.plan)) return sys::Failure(*missing);
  if (options.plan.arrivals.start_at && *options.plan.arrivals.start_at <= WallClock())
    return sys::Failure("--start-at is past");
  return engine;
}

Report RunLoad(const Options& options, const EngineChoice& engine, const Interrupts& interrupts,
               const Journal* journal, RunMetrics* metrics) {
  LoadRun run(options.plan, engine.factory, journal);
  run.Start();
  Watcher watcher(run, options, engine.name, metrics);
  watcher.Wait(interrupts);
  auto report = MakeReport(engine.name, options.plan, run.Wait(), options.outputs.slos);
  report.aborted = watcher.aborted();
  if (options.outputs.until) report.until = Tell(*options.outputs.until, report.run);
  for (const auto& slo : options.outputs.abort_on) {
    const auto verdict = Check(slo, report.run);
    if (report.aborted.empty() && verdict.met)
      report.aborted = fmt::format("{} at the end: {}", verdict.text, verdict.shown);
  }
  return report;
}

}  // namespace hydrapool::loadgen
