#include "harness/run/scenario_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "harness/fault/duration.h"
#include "harness/fault/process_tree.h"
#include "harness/observe/pool_watch.h"
#include "harness/run/machine.h"

namespace hydrapool::harness {
namespace {

constexpr sys::Nanos kToFinish = 15 * sys::kSecond;
constexpr sys::Nanos kToSettle = 2 * sys::kSecond;
constexpr sys::Nanos kGlance = 100 * sys::kMillisecond;

PoolStatus::Totals Since(const PoolStatus::Totals& before, const PoolStatus::Totals& after) {
  return {.rescued = after.rescued - before.rescued,
          .rescued_in_flight = after.rescued_in_flight - before.rescued_in_flight,
          .lost = after.lost - before.lost,
          .cut = after.cut - before.cut};
}

/// "kill of random (line 12)"; without the line where it stands in no file.
std::string Words(const FaultPlan& plan) {
  std::string words = fmt::format("{} of {}", Name(plan.fault), Name(plan.target));
  return plan.line > 0 ? fmt::format("{} (line {})", words, plan.line) : words;
}

}  // namespace

ScenarioRun::ScenarioRun(sys::EventLoop& loop, const Scenario& scenario, std::uint64_t seed,
                         const ScratchDir& scratch)
    : loop_(loop), scenario_(scenario), seed_(seed), scratch_(scratch) {}

ScenarioRun::~ScenarioRun() { LeavePlace(scenario_, scratch_); }

sys::Result<RunRecord> ScenarioRun::Run() {
  auto placed = MakePlace(scenario_, scratch_);
  if (!placed) return tl::unexpected(placed.error());
  scenario_ = std::move(*placed);
  SetTraps();
  auto server = ScenarioServer::Start(scenario_, scratch_, [this] {
    loop_.RunOnce(sys::Now());
    return called_off_;
  });
  if (!server) return tl::unexpected(server.error());
  server_ = std::make_unique<ScenarioServer>(std::move(*server));
  if (auto checked = CheckTargets(); !checked) return tl::unexpected(checked.error());
  const auto before = TotalsNow();
  record_.before = StateOnceStarted();

  LoadJobs jobs(scenario_, *server_, scratch_);
  record_.start = sys::Now();
  record_.start_unix_ms = UnixMillis();
  record_.load_end = record_.start + scenario_.duration;
  for (const FaultPlan& plan : scenario_.faults) record_.fault_lines.push_back(Words(plan));
  injector_ = std::make_unique<Injector>(server_->main(), scenario_.limits, scenario_.commands);
  if (!scenario_.faults.empty()) injector_->StartGuard();
  observer_.emplace(server_->main(), server_->admin());
  StartFaults();
  WatchSteadyState();
  LetItRun(jobs);
  if (steady_) record_.longest_gap = steady_->longest_gap();
  steady_.reset();
  const auto seen = observer_->Stop();
  record_.standstills = seen.standstills;
  injects_.clear();

  if (before) {
    if (const auto after = TotalsNow()) record_.pool.totals = Since(*before, *after);
    if (auto fates = FetchFates(server_->admin())) record_.pool.fates = std::move(*fates);
  }
  const bool lives = server_->Lives();
  if (lives) record_.after = StateWhenSettled();
  if (auto problem = server_->Stop()) {
    record_.problems.push_back(std::move(*problem));
  } else if (!lives) {
    record_.problems.push_back("the server's main process ended during the run");
  }
  jobs.Collect(record_);
  if (const auto back = CountersThatWentBack(seen.status))
    record_.problems.push_back("the server's own counters went back: " + *back);
  NumberFaults();
  AddTimelines(seen);
  AddPhases();
  return std::move(record_);
}

sys::Result<void> ScenarioRun::CheckTargets() const {
  for (const FaultPlan& plan : scenario_.faults) {
    const auto checked = CheckTarget(server_->admin(), server_->main(), plan.target);
    if (!checked) return Refusal(plan, checked.error());
  }
  for (const auto& [i, trap] : traps_) {
    if (trap->armed()) continue;
    return Refusal(
        scenario_.faults[i],
        {.code = kCannotHere,
         .message = "exact: this hydrapool is built without failpoints (the preset dev has them)"});
  }
  return {};
}

tl::unexpected<sys::Error> ScenarioRun::Refusal(const FaultPlan& plan, sys::Error error) const {
  if (plan.line > 0) error.message = fmt::format("{}:{}: {}", scenario_.file, plan.line, error.message);
  return tl::unexpected(std::move(error));
}

void ScenarioRun::SetTraps() {
  for (std::size_t i = 0; i < scenario_.faults.size(); ++i) {
    const Trigger& trigger = scenario_.faults[i].trigger;
    if (!trigger.exact) continue;
    traps_[i] = std::make_unique<Trap>(*trigger.phase, scratch_ / fmt::format("trap-{}", i));
    if (!scenario_.failpoints.empty()) scenario_.failpoints += ',';
    scenario_.failpoints += traps_[i]->setting();
  }
}

std::optional<PoolStatus::Totals> ScenarioRun::TotalsNow() const {
  if (server_->admin().empty()) return std::nullopt;
  const auto status = FetchStatus(server_->admin());
  return status ? status->totals : std::nullopt;
}

void ScenarioRun::Interrupt() { record_.interrupted = called_off_ = true; }

void ScenarioRun::StartFaults() {
  for (std::size_t i = 0; i < scenario_.faults.size(); ++i) {
    const FaultPlan& plan = scenario_.faults[i];
    const Effect effect = InfoOf(plan.fault).effect;
    // Else pidfds tell what comes of it, or the fault's own looks at a pool that knows its workers.
    const bool stirs = effect == Effect::kTells || (effect == Effect::kRenews && server_->admin().empty());
    const sys::Nanos start = record_.start + ScheduleStart(scenario_, i);
    injects_.push_back(std::make_unique<InjectRun>(
        loop_,
        InjectRun::Options{
            .schedule = ScheduleOf(scenario_, i, seed_),
            .hold = plan.hold,
            .harm = {.network = plan.network, .port = server_->port(), .disk = scenario_.disk.directory},
            .trap = traps_.contains(i) ? traps_.at(i).get() : nullptr},
        *injector_,
        [this, stirs] {
          if (stirs) observer_->Stir();
          return ServerNow();
        },
        [this, i, start](const InjectRecord& record) { TakeFault(i, start, record); }));
    injects_.back()->Start(start);
  }
}

sys::Result<ServerProcesses> ScenarioRun::ServerNow() {
  return server_->admin().empty() ? server_->Processes() : observer_->Look();
}

void ScenarioRun::WatchSteadyState() {
  if (!scenario_.steady) return;
  const auto plan = PlanFor(server_->UrlOf(scenario_.steady->url));
  if (!plan) sys::ThrowErrno(EADDRNOTAVAIL, plan.error().message);
  steady_.emplace(loop_, *plan, scenario_.steady->within, [this](const std::string& why) {
    record_.breach = why;
    called_off_ = true;
  });
}

/// Some answer while others of their workers are still to be started.
std::optional<ServerState> ScenarioRun::StateOnceStarted() const {
  auto now = StateNow(server_->admin(), server_->main());
  for (const sys::Nanos deadline = sys::Now() + kToSettle; sys::Now() < deadline;) {
    loop_.RunOnce(sys::Now() + kGlance);
    const auto last = std::exchange(now, StateNow(server_->admin(), server_->main()));
    if (last && now && last->workers == now->workers) break;
  }
  return now;
}

std::optional<ServerState> ScenarioRun::StateWhenSettled() const {
  auto now = StateNow(server_->admin(), server_->main());
  for (const sys::Nanos deadline = sys::Now() + kToSettle; !now && sys::Now() < deadline;) {
    loop_.RunOnce(sys::Now() + kGlance);
    now = StateNow(server_->admin(), server_->main());
  }
  const auto is_as_before = [&] {
    return now && record_.before && now->unreaped.empty() && now->workers == record_.before->workers &&
           now->descriptors <= record_.before->descriptors;
  };
  const auto dead = now ? now->unreaped : std::vector<Identity>();
  for (const sys::Nanos deadline = sys::Now() + kToSettle; !is_as_before() && sys::Now() < deadline;) {
    loop_.RunOnce(sys::Now() + kGlance);
    now = StateNow(server_->admin(), server_->main());
  }
  if (now) {
    std::erase_if(now->unreaped,
                  [&dead](const Identity& child) { return std::ranges::find(dead, child) == dead.end(); });
  }
  return now;
}

void ScenarioRun::GuardSuccessor() {
  const auto successor = server_->TakeSuccessor();
  if (!successor || std::holds_alternative<Attachment>(scenario_.server)) return;
  if (const auto main = ReadProcess(*successor))
    static_cast<void>(injector_->Remember({.kind = Undo::Kind::kTerm, .victim = main->identity}));
}

bool ScenarioRun::FaultsOver() const {
  return std::ranges::all_of(injects_, [](const auto& inject) { return inject->over(); });
}

void ScenarioRun::StopFaults(const std::string& why) {
  for (const auto& inject : injects_) inject->Stop(why);
}

void ScenarioRun::LetItRun(LoadJobs& jobs) {
  std::map<int, sys::EventLoop::Watch> watches;
  for (const int pidfd : jobs.pidfds())
    watches[pidfd] = loop_.Add(pidfd, EPOLLIN, [&watches, pidfd](std::uint32_t) { watches[pidfd].Reset(); });
  const sys::Nanos deadline = record_.load_end + kToFinish;
  while (!(jobs.over() && FaultsOver()) && !called_off_ && sys::Now() < deadline) {
    loop_.RunOnce(std::min(deadline, sys::Now() + kGlance));
    called_off_ |= !server_->Lives();
    GuardSuccessor();
    TellProgress(jobs);
    if (jobs.over() && sys::Now() >= record_.load_end) StopFaults("schedule");
  }
  if (!called_off_) return;
  StopFaults(record_.breach.empty() ? "interrupted" : "breach");
  jobs.Interrupt();
  const sys::Nanos soon = sys::Now() + kToFinish;
  while (!jobs.over() && sys::Now() < soon) loop_.RunOnce(sys::Now() + kGlance);
}

void ScenarioRun::TellProgress(LoadJobs& jobs) {
  constexpr sys::Nanos kBetween = 500 * sys::kMillisecond;
  const sys::Nanos elapsed = sys::Now() - record_.start;
  if (!progress_ || elapsed - now_.elapsed < kBetween) return;
  now_.elapsed = elapsed;
  now_.duration = scenario_.duration;
  if (const auto server = ServerNow()) now_.server = *server;
  now_.failed = jobs.FailedSoFar();
  progress_(now_);
}

}  // namespace hydrapool::harness
