#include "loadgen/engine/load_run.h"

#include <algorithm>
#include <exception>
#include <latch>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "loadgen/plan/replica.h"
#include "loadgen/plan/start_time.h"
#include "pool/sys/signals.h"

namespace hydrapool::loadgen {
namespace {

constexpr double kMostlyInTime = 0.9;
constexpr sys::Nanos kHeadStart = sys::kMillisecond;  // every thread is waiting when the first is due

/// When a plan's first request is due.
sys::Nanos BeginOf(const Plan& plan) {
  const sys::Nanos soon = sys::Now() + kHeadStart;
  if (!plan.arrivals.start_at) return soon;
  return std::max(soon, sys::Now() + *plan.arrivals.start_at - WallClock());
}

/// Replicas that began within half an interval of each other share its bounds.
sys::Nanos RoundToWidth(std::int64_t shift_ms, sys::Nanos width) {
  return (shift_ms * sys::kMillisecond + width / 2) / width * width;
}

/// When the last of a number of Poisson arrivals is due, in the share of one thread.
sys::Nanos LastDue(const Plan& plan, int index, sys::Nanos start) {
  Agenda agenda(plan, index, start);
  sys::Nanos last = start;
  for (auto due = agenda.NextDue(); due != Agenda::kNever; due = agenda.NextDue()) {
    last = due;
    agenda.Skip(due);
  }
  return last;
}

/// When the last request was sent or, by the schedule, the time for it was over.
sys::Nanos EndOfSending(const Plan& plan, const Agenda& agenda, int index, sys::Nanos last_sent) {
  if (agenda.end() != Agenda::kNever) return agenda.end();
  if (!plan.arrivals.rate) return last_sent;
  return std::max(plan.arrivals.poisson ? LastDue(plan, index, agenda.start()) : agenda.planned_end(),
                  last_sent);
}

double Ratio(double a, double b, double otherwise) { return b > 0 ? a / b : otherwise; }

}  // namespace

std::uint64_t RunResult::sent_in_time() const {
  return tally.sent_in_time - std::min(tally.sent_in_time, tally.begun_never_left);
}

double RunResult::achieved() const {
  return Ratio(static_cast<double>(sent_in_time()), static_cast<double>(scheduled - tally.follow_ups), 1);
}

double RunResult::throughput() const {
  return Ratio(static_cast<double>(counted), sys::ToSeconds(sending), 0);
}

void RunResult::Merge(const RunResult& other) {
  const auto begin_ms = std::min(start_unix_ms, other.start_unix_ms);
  const auto latest = [&](sys::Nanos RunResult::*time) {
    const auto end_of = [&](const RunResult& run) {
      return (run.start_unix_ms - begin_ms) * sys::kMillisecond + run.*time;
    };
    return std::max(end_of(*this), end_of(other));
  };
  const auto longest = latest(&RunResult::duration);
  sending = latest(&RunResult::sending);
  counted += other.counted;
  auto both = std::exchange(series, IntervalSeries());
  series.Merge(both, RoundToWidth(start_unix_ms - begin_ms, both.width()));
  series.Merge(other.series, RoundToWidth(other.start_unix_ms - begin_ms, other.series.width()));
  tally.Merge(other.tally);
  scheduled += other.scheduled;
  warmed_up += other.warmed_up;
  start_unix_ms = begin_ms;
  duration = longest;
  stopped = stopped || other.stopped;
  cpu += other.cpu;
  kernel.Merge(other.kernel);
  peak_memory = std::max(peak_memory, other.peak_memory);
  cores += other.cores;
  if (other.busiest.busy_share() > busiest.busy_share()) busiest = other.busiest;
}

double RunResult::cpu_us_per_request() const {
  return Ratio(static_cast<double>(cpu) / sys::kMicrosecond, static_cast<double>(tally.sent + warmed_up), 0);
}

std::uint64_t Progress::completed() const {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < kOutcomes; ++i) n += Completed(static_cast<Outcome>(i)) ? outcomes[i] : 0;
  return n;
}

std::uint64_t Progress::ended() const {
  return std::accumulate(outcomes.begin(), outcomes.end(), std::uint64_t{0});
}

/// make the engine → ready → (begin) → run → ended
class LoadRun::Thread {
 public:
  Thread(LoadRun& run, int index) : run_(run), index_(index), thread_([this] { Main(); }) {}
  ~Thread() {
    if (thread_.joinable()) thread_.join();
  }

  void WaitReady() { ready_.wait(); }
  [[nodiscard]] std::exception_ptr error() const { return error_; }

  void Begin(sys::Nanos begin) {
    agenda_.emplace(run_.plan_, index_, begin);
    recorder_.emplace(run_.plan_, begin + run_.plan_.arrivals.warmup, agenda_->planned_end(), run_.journal_);
    begin_.count_down();
  }
  void GiveUp() { begin_.count_down(); }
  void Join() { thread_.join(); }

  [[nodiscard]] const Agenda& agenda() const { return *agenda_; }
  [[nodiscard]] Recorder& recorder() { return *recorder_; }
  [[nodiscard]] CpuUse use() const { return use_; }

 private:
  void Main() {
    std::unique_ptr<Engine> engine;
    try {
      const int connections =
          ConnectionsOf({.index = index_, .of = run_.plan_.threads}, run_.plan_.connections);
      engine = run_.factory_(run_.plan_, connections, run_.stop_);
    } catch (...) {
      error_ = std::current_exception();
    }
    ready_.count_down();
    begin_.wait();
    if (engine && agenda_) Run(*engine);
    engine.reset();
    if (run_.running_.fetch_sub(1) == 1) run_.done_.Request();
  }

  void Run(Engine& engine) {
    const auto began = sys::Now();
    const auto before = ThreadCpuUse();
    engine.Run(*agenda_, *recorder_);
    recorder_->Finish();
    const auto after = ThreadCpuUse();
    use_ = {.cpu = after.cpu - before.cpu,
            .run_queue = after.run_queue - before.run_queue,
            .wall = sys::Now() - began};
  }

  LoadRun& run_;
  const int index_;
  std::latch ready_{1};
  std::latch begin_{1};
  std::exception_ptr error_;
  std::optional<Agenda> agenda_;
  std::optional<Recorder> recorder_;
  CpuUse use_;
  std::thread thread_;
};

LoadRun::LoadRun(Plan plan, EngineFactory factory, const Journal* journal)
    : plan_(std::move(plan)), factory_(std::move(factory)), journal_(journal) {
  if (plan_.targets.empty() || plan_.threads < 1 || plan_.connections < plan_.threads ||
      (plan_.arrivals.rate && *plan_.arrivals.rate <= 0) ||
      (!plan_.arrivals.stages.empty() && !plan_.arrivals.rate) ||
      (std::ranges::any_of(plan_.targets, [this](const Target& target) {
        return target.rate.has_value() != HasRates(plan_) || target.weight == 0;
      }))) {
    throw std::invalid_argument(
        "a plan needs a URL, a thread, a connection "
        "for each thread and a rate above 0");
  }
}

LoadRun::~LoadRun() { Stop(); }

void LoadRun::MakeThreads() {
  const sys::BlockAllSignals blocked;
  running_ = static_cast<std::size_t>(plan_.threads);
  for (int i = 0; i < plan_.threads; ++i) threads_.push_back(std::make_unique<Thread>(*this, i));
  for (auto& thread : threads_) {
    thread->WaitReady();
    if (thread->error()) std::rethrow_exception(thread->error());
  }
}

void LoadRun::Start() {
  if (plan_.wire.resolve_every > 0) {
    hosts_ = std::make_unique<ResolverWatch>(plan_, plan_.wire.resolve_every);
    plan_.wire.hosts = hosts_.get();
  }
  try {
    MakeThreads();
  } catch (...) {
    for (auto& thread : threads_) thread->GiveUp();
    threads_.clear();
    throw;
  }
  cpu_before_ = ProcessCpu();
  kernel_before_ = ReadKernelCounters();
  const sys::Nanos begin = BeginOf(plan_);
  start_ = begin + plan_.arrivals.warmup;
  start_unix_ms_ = (WallClock() + start_ - sys::Now()) / sys::kMillisecond;
  for (auto& thread : threads_) thread->Begin(begin);
}

void LoadRun::Note(const IntervalSeries& told) {
  series_.Merge(told);
  for (const auto& [begin, interval] : told.intervals()) {
    interval.response.AddTo(latencies_.response);
    interval.service.AddTo(latencies_.service);
    interval.lag.AddTo(latencies_.lag);
    interval.not_ok_response.AddTo(latencies_.not_ok_response);
    interval.not_ok_service.AddTo(latencies_.not_ok_service);
    auto& targets = latencies_.targets;
    targets.resize(std::max(targets.size(), interval.targets.size()));
    for (std::size_t i = 0; i < interval.targets.size(); ++i) targets[i].Merge(interval.targets[i]);
  }
}

Progress LoadRun::progress() {
  Progress sum;
  for (const auto& thread : threads_) {
    const auto& live = thread->recorder().live();
    sum.sent += live.sent.load(std::memory_order_relaxed);
    sum.dropped += live.dropped.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < kOutcomes; ++i)
      sum.outcomes[i] += live.outcomes[i].load(std::memory_order_relaxed);
    const auto told = thread->recorder().TakeTold();
    Note(told.series);
    for (const auto& [slot, requests] : told.workers) sum.workers[slot] += requests;
  }
  return sum;
}

/// Which responses the rate is made of, and over what time (load_run.h).
void LoadRun::CountRate(RunResult& result) const {
  const auto& tally = result.tally;
  result.counted = plan_.arrivals.rate ? tally.outcomes.completed() : tally.timing.completed_at_last_sent;
  if (plan_.arrivals.rate || !plan_.arrivals.count || result.stopped) return;
  if (kMostlyInTime * static_cast<double>(tally.outcomes.completed()) <= static_cast<double>(result.counted))
    return;
  result.counted = tally.outcomes.completed();
  result.sending = result.duration;
}

RunResult LoadRun::Wait() {
  RunResult result{.start = start_, .start_unix_ms = start_unix_ms_};
  sys::Nanos end = start_;
  sys::Nanos sending_end = start_;
  int index = 0;
  for (auto& thread : threads_) {
    thread->Join();
    result.tally.Merge(thread->recorder().tally());
    series_.Merge(thread->recorder().TakeTold().series);
    result.warmed_up += thread->recorder().warmed_up();
    result.scheduled += thread->agenda().Scheduled() + thread->recorder().tally().follow_ups;
    if (thread->use().busy_share() >= result.busiest.busy_share()) result.busiest = thread->use();
    if (thread->agenda().end() != Agenda::kNever) end = std::max(end, thread->agenda().end());
    sending_end = std::max(sending_end, EndOfSending(plan_, thread->agenda(), index++,
                                                     thread->recorder().tally().timing.last_sent));
  }
  result.series = series_.Take();
  result.stopped = stop_.requested();
  result.duration = std::max(end, result.tally.timing.last_end) - start_;
  result.sending = sending_end - start_;
  CountRate(result);
  result.cpu = ProcessCpu() - cpu_before_;
  result.kernel = ReadKernelCounters().Since(kernel_before_);
  result.peak_memory = PeakMemory();
  result.cores = static_cast<int>(std::thread::hardware_concurrency());
  return result;
}

}  // namespace hydrapool::loadgen
