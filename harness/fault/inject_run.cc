#include "harness/fault/inject_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "harness/fault/duration.h"
#include "harness/fault/process_facts.h"
#include "pool/sys/child.h"

namespace hydrapool::harness {
namespace {

constexpr sys::Nanos kBetweenLooks = 5 * sys::kMillisecond;
constexpr sys::Nanos kBetweenNetworkLooks = 200 * sys::kMillisecond;  // each starts a program
constexpr sys::Nanos kBetweenServerLooks = 20 * sys::kMillisecond;
constexpr sys::Nanos kToSucceed = 5 * sys::kSecond;

Effect EffectOf(const Blow& blow) { return InfoOf(blow.fault).effect; }

bool HasTaken(const Blow& blow) {
  const auto sets = ReadSignalSets(blow.victim.pid);
  return sets && !Holds(sets->pending, InfoOf(blow.fault).signal);
}

/// A signal that is neither caught nor ignored, and so kills unless it is blocked.
bool Kills(const Blow& blow) {
  const auto sets = ReadSignalSets(blow.victim.pid);
  const int signal = InfoOf(blow.fault).signal;
  return sets && !Holds(sets->caught, signal) && !Holds(sets->ignored, signal) &&
         !Holds(sets->blocked, signal);
}

}  // namespace

InjectRun::InjectRun(sys::EventLoop& loop, const Options& options, Injector& injector, Look look,
                     Report report)
    : loop_(loop),
      options_(options),
      injector_(injector),
      look_(std::move(look)),
      report_(std::move(report)),
      schedule_(options_.listed.empty() ? FaultSchedule(options_.schedule) : FaultSchedule(options_.listed)),
      main_(sys::OpenPidfd(injector_.main())) {
  summary_.schedule = options_.schedule;
  summary_.listed = options_.listed.size();
  summary_.parent = injector_.main();
  if (!main_) sys::ThrowErrno(ESRCH, fmt::format("pid {}", injector_.main()));
}

InjectRun::~InjectRun() {
  for (const auto& wait : waits_) injector_.TakeBack(wait->blow);
}

InjectSummary InjectRun::Run() {
  Start(sys::Now());
  while (!over()) loop_.RunOnce();
  main_watch_.Reset();
  if (summary_.ended.empty()) summary_.ended = "schedule";
  return summary_;
}

void InjectRun::Start(sys::Nanos start) {
  start_ = start;
  WatchMain();
  ScheduleNext();
}

void InjectRun::WatchMain() {
  main_watch_ = loop_.Add(main_.get(), EPOLLIN, [this](std::uint32_t) {
    main_watch_.Reset();
    SeekMain(sys::Now() + kToSucceed);
  });
}

void InjectRun::SeekMain(sys::Nanos deadline) {
  const auto now = look_();
  if (now && now->main() != nullptr && !injector_.Follow(*now)) {
    main_ = sys::OpenPidfd(injector_.main());
    if (main_) return WatchMain();
  }
  if (sys::Now() > deadline) {
    if (summary_.ended.empty()) summary_.ended = "parent";
    next_.Reset();
    return;
  }
  seek_ = loop_.At(sys::Now() + kBetweenServerLooks, [this, deadline] { SeekMain(deadline); });
}

void InjectRun::Stop(std::string why) {
  if (summary_.ended.empty()) summary_.ended = std::move(why);
  next_.Reset();
  std::vector<Wait*> held;
  for (const auto& wait : waits_) {
    if (EffectOf(wait->blow) == Effect::kHolds) held.push_back(wait.get());
  }
  for (Wait* wait : held) TimeIsOver(*wait);
}

void InjectRun::ScheduleNext() {
  if (!summary_.ended.empty()) return;
  const auto fault = schedule_.Next();
  if (!fault) return;
  next_ = loop_.At(start_ + fault->at, [this, fault = *fault] {
    CarryOut(fault);
    ScheduleNext();
  });
}

void InjectRun::CarryOut(const PlannedFault& fault) {
  if (injector_.spent()) return Stop("budget");
  ++summary_.planned;
  const auto server = look_();
  if (!server) return Missed(fault, {}, server.error().message);
  if (auto why = injector_.Follow(*server)) return Missed(fault, {}, std::move(*why));
  if (fault.target == Target::kServer) return StrikeOne(fault, *server->main(), *server);
  StrikeWorkers(fault, *server);
}

void InjectRun::StrikeWorkers(const PlannedFault& fault, const ServerProcesses& server) {
  ServerProcesses unhurt = injector_.WithoutLastHead(server);
  unhurt.workers = injector_.Unhurt(server.workers);
  const auto victims = ChooseTargets(fault.target, unhurt, fault.draw);
  if (victims.empty()) {
    const bool of_workers = fault.target != Target::kParent && fault.target != Target::kSupervisor;
    return Missed(fault, {},
                  !of_workers ? fmt::format("no {} was there, or it was the last of parent and supervisor",
                                            Name(fault.target))
                  : server.workers.empty() ? "no worker was there"
                  : unhurt.workers.empty() ? "every worker was leaving or hurt already"
                                           : fmt::format("no worker was {}", Name(fault.target)));
  }
  const auto workers = std::ranges::count(victims, Role::kWorker, &ProcessView::role);
  if (auto why = injector_.WhyTooMany(fault.fault, static_cast<std::size_t>(workers), unhurt.workers.size());
      why && workers > 0)
    return Missed(fault, {}, std::move(*why));
  for (const ProcessView& victim : victims) StrikeOne(fault, victim, server);
}

void InjectRun::StrikeOne(const PlannedFault& fault, const ProcessView& victim,
                          const ServerProcesses& server) {
  auto blow = injector_.Strike(victim.identity, fault.fault, options_.harm);
  if (!blow) return Missed(fault, victim, blow.error().message);
  Await(RecordOf(fault, victim), std::move(*blow), server);
}

void InjectRun::Await(InjectRecord record, Blow blow, const ServerProcesses& server) {
  waits_.push_back(std::make_unique<Wait>(Wait{.record = std::move(record), .blow = std::move(blow)}));
  Wait& wait = *waits_.back();
  wait.record.at = wait.blow.sent - start_;
  wait.watch = loop_.Add(wait.blow.pidfd.get(), EPOLLIN, [this, &wait](std::uint32_t) {
    wait.record.dead = sys::Now() - wait.blow.sent;
    Settle(wait, Outcome::kDead);
  });
  const Effect effect = EffectOf(wait.blow);
  const sys::Nanos time = effect == Effect::kHolds ? wait.record.hold : options_.dead_within;
  wait.deadline = loop_.At(wait.blow.sent + time, [this, &wait] { TimeIsOver(wait); });
  if (effect == Effect::kHolds || effect == Effect::kTells) LookAt(wait);
  if (effect != Effect::kRenews) return;
  wait.before = server;
  LookWhetherRenewed(wait);
}

void InjectRun::LookWhetherRenewed(Wait& wait) {
  wait.look = loop_.At(sys::Now() + kBetweenServerLooks, [this, &wait] {
    if (const auto ended = wait.blow.helper.Ended(); ended && !ended->clean())
      return Settle(wait, Outcome::kDelivered,
                    {.refused = fmt::format("its command ended with {}", ended->Describe())});
    const auto now = look_();
    if (!now || !Renewed(wait.before, *now)) return LookWhetherRenewed(wait);
    wait.record.renewed = sys::Now() - wait.blow.sent;
    wait.seen = true;
    Settle(wait, Outcome::kRenewed);
  });
}

void InjectRun::LookAt(Wait& wait) {
  const bool holds = EffectOf(wait.blow) == Effect::kHolds;
  wait.seen = holds ? Injector::Holds(wait.blow) : HasTaken(wait.blow);
  const bool may_die_yet = !holds && Kills(wait.blow);
  if (wait.seen && holds) return;
  const sys::Nanos pause = wait.blow.fault == Fault::kNetwork ? kBetweenNetworkLooks : kBetweenLooks;
  wait.look = loop_.At(sys::Now() + pause, [this, &wait, may_die_yet] {
    if (wait.seen && !may_die_yet) return Settle(wait, Outcome::kDelivered);
    LookAt(wait);
  });
}

void InjectRun::TimeIsOver(Wait& wait) {
  switch (EffectOf(wait.blow)) {
    case Effect::kHolds: {
      wait.seen |= Injector::Holds(wait.blow);
      const bool undone = injector_.TakeBack(wait.blow);
      wait.record.undone = sys::Now() - wait.blow.sent;
      return Settle(wait, Outcome::kHeld, {.undone = undone});
    }
    case Effect::kTells:
    case Effect::kRenews:
      return Settle(wait, Outcome::kDelivered);
    case Effect::kEnds:
    case Effect::kAsks:
      return Settle(wait, Outcome::kAlive);
  }
}

void InjectRun::Settle(Wait& wait, Outcome outcome, Evidence evidence) {
  const auto at = std::ranges::find_if(waits_, [&](const auto& each) { return each.get() == &wait; });
  const auto settled = std::move(*at);
  waits_.erase(at);
  settled->watch.Reset();
  evidence.dead = outcome == Outcome::kDead;
  if (evidence.dead) evidence.wait_status = WaitStatusOf(settled->blow.victim.pid);
  evidence.seen = settled->seen || (settled->blow.guarded && Injector::Holds(settled->blow));
  evidence.ignored = settled->blow.ignored;
  const Finding finding = Prove(InfoOf(settled->blow.fault), evidence);
  injector_.TakeBack(settled->blow);
  settled->record.outcome = outcome;
  settled->record.proof = finding.proof;
  settled->record.reason = finding.words;
  Finish(std::move(settled->record));
}

void InjectRun::Missed(const PlannedFault& fault, const std::optional<ProcessView>& worker,
                       std::string reason) {
  InjectRecord record = RecordOf(fault, worker);
  record.reason = std::move(reason);
  Finish(std::move(record));
}

void InjectRun::Finish(InjectRecord record) {
  summary_.Add(record);
  report_(record);
}

InjectRecord InjectRun::RecordOf(const PlannedFault& fault, const std::optional<ProcessView>& worker) const {
  return {.id = fault.id,
          .at = sys::Now() - start_,
          .unix_ms = UnixMillis(),
          .fault = fault.fault,
          .target = fault.target,
          .draw = fault.draw,
          .hold = fault.hold.value_or(options_.hold),
          .worker = worker,
          .outcome = Outcome::kMissed};
}

}  // namespace hydrapool::harness
