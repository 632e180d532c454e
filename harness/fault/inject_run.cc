#include "harness/fault/inject_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "harness/fault/process_facts.h"
#include "pool/sys/child.h"

namespace hydrapool::harness {
namespace {

std::int64_t UnixMillis() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

constexpr sys::Nanos kBetweenLooks = 5 * sys::kMillisecond;

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

InjectRun::InjectRun(sys::EventLoop& loop, const Options& options, Injector& injector,
                     ListWorkers list_workers, Report report)
    : loop_(loop),
      options_(options),
      injector_(injector),
      list_workers_(std::move(list_workers)),
      report_(std::move(report)),
      schedule_(options_.schedule),
      parent_(sys::OpenPidfd(injector_.parent())) {
  summary_.schedule = options_.schedule;
  summary_.parent = injector_.parent();
  if (!parent_) sys::ThrowErrno(ESRCH, fmt::format("pid {}", injector_.parent()));
}

InjectRun::~InjectRun() {
  for (const auto& wait : waits_) injector_.TakeBack(wait->blow);
}

InjectSummary InjectRun::Run() {
  Start(sys::Now());
  while (!over()) loop_.RunOnce();
  parent_watch_.Reset();
  if (summary_.ended.empty()) summary_.ended = "schedule";
  return summary_;
}

void InjectRun::Start(sys::Nanos start) {
  start_ = start;
  parent_watch_ = loop_.Add(parent_.get(), EPOLLIN, [this](std::uint32_t) {
    summary_.ended = "parent";
    parent_watch_.Reset();
    next_.Reset();
  });
  ScheduleNext();
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
  if (fault.target == Target::kParent) {
    const auto parent = injector_.ParentView();
    return parent ? StrikeOne(fault, *parent) : Missed(fault, {}, "the parent is gone");
  }
  const auto workers = list_workers_();
  if (!workers) return Missed(fault, {}, workers.error().message);
  const auto unhurt = injector_.Unhurt(*workers);
  const auto victims = ChooseTargets(fault.target, unhurt, fault.draw);
  if (victims.empty()) {
    return Missed(fault, {},
                  workers->empty() ? "no worker was there"
                  : unhurt.empty() ? "every worker was leaving or hurt already"
                                   : fmt::format("no worker was {}", Name(fault.target)));
  }
  if (auto why = injector_.WhyTooMany(fault.fault, victims.size(), unhurt.size()))
    return Missed(fault, {}, std::move(*why));
  for (const WorkerView& victim : victims) StrikeOne(fault, victim);
}

void InjectRun::StrikeOne(const PlannedFault& fault, const WorkerView& worker) {
  auto blow = injector_.Strike(worker.identity, fault.fault);
  if (!blow) return Missed(fault, worker, blow.error().message);
  Await(RecordOf(fault, worker), std::move(*blow));
}

void InjectRun::Await(InjectRecord record, Blow blow) {
  waits_.push_back(std::make_unique<Wait>(Wait{.record = std::move(record), .blow = std::move(blow)}));
  Wait& wait = *waits_.back();
  wait.record.at = wait.blow.sent - start_;
  wait.watch = loop_.Add(wait.blow.pidfd.get(), EPOLLIN, [this, &wait](std::uint32_t) {
    wait.record.dead = sys::Now() - wait.blow.sent;
    Settle(wait, Outcome::kDead);
  });
  const Effect effect = EffectOf(wait.blow);
  const sys::Nanos time = effect == Effect::kHolds ? options_.hold : options_.dead_within;
  wait.deadline = loop_.At(wait.blow.sent + time, [this, &wait] { TimeIsOver(wait); });
  if (effect == Effect::kHolds || effect == Effect::kTells) Look(wait);
}

void InjectRun::Look(Wait& wait) {
  const bool holds = EffectOf(wait.blow) == Effect::kHolds;
  wait.seen = holds ? Injector::Holds(wait.blow) : HasTaken(wait.blow);
  const bool may_die_yet = !holds && Kills(wait.blow);
  if (wait.seen && holds) return;
  wait.look = loop_.At(sys::Now() + kBetweenLooks, [this, &wait, may_die_yet] {
    if (wait.seen && !may_die_yet) return Settle(wait, Outcome::kDelivered);
    Look(wait);
  });
}

void InjectRun::TimeIsOver(Wait& wait) {
  switch (EffectOf(wait.blow)) {
    case Effect::kHolds: {
      wait.seen |= Injector::Holds(wait.blow);
      const bool undone = injector_.TakeBack(wait.blow);
      wait.record.undone = sys::Now() - wait.blow.sent;
      return Settle(wait, Outcome::kHeld, undone);
    }
    case Effect::kTells:
      return Settle(wait, Outcome::kDelivered);
    case Effect::kEnds:
    case Effect::kAsks:
      return Settle(wait, Outcome::kAlive);
  }
}

void InjectRun::Settle(Wait& wait, Outcome outcome, bool undone) {
  const auto at = std::ranges::find_if(waits_, [&](const auto& each) { return each.get() == &wait; });
  const auto settled = std::move(*at);
  waits_.erase(at);
  settled->watch.Reset();
  const bool dead = outcome == Outcome::kDead;
  const Finding finding = Prove(InfoOf(settled->blow.fault),
                                {.dead = dead,
                                 .wait_status = dead ? WaitStatusOf(settled->blow.victim.pid) : std::nullopt,
                                 .seen = settled->seen,
                                 .ignored = settled->blow.ignored,
                                 .undone = undone});
  injector_.TakeBack(settled->blow);
  settled->record.outcome = outcome;
  settled->record.proof = finding.proof;
  settled->record.reason = finding.words;
  Finish(std::move(settled->record));
}

void InjectRun::Missed(const PlannedFault& fault, const std::optional<WorkerView>& worker,
                       std::string reason) {
  InjectRecord record = RecordOf(fault, worker);
  record.reason = std::move(reason);
  Finish(std::move(record));
}

void InjectRun::Finish(InjectRecord record) {
  summary_.Add(record);
  report_(record);
}

InjectRecord InjectRun::RecordOf(const PlannedFault& fault, const std::optional<WorkerView>& worker) const {
  return {.id = fault.id,
          .at = sys::Now() - start_,
          .unix_ms = UnixMillis(),
          .fault = fault.fault,
          .target = fault.target,
          .worker = worker,
          .outcome = Outcome::kMissed};
}

}  // namespace hydrapool::harness
