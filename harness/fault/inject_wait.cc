// InjectRun, from a blow until it is known what came of it.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "harness/fault/inject_run.h"
#include "harness/fault/process_facts.h"
#include "pool/sys/kill.h"

namespace hydrapool::harness {
namespace {

constexpr sys::Nanos kBetweenLooks = 5 * sys::kMillisecond;
constexpr sys::Nanos kBetweenNetworkLooks = 200 * sys::kMillisecond;  // each starts a program
constexpr sys::Nanos kBetweenServerLooks = 20 * sys::kMillisecond;

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

/// A command of the server's own that does not end, with what it has started.
void EndCommand(const Blow& blow) {
  if (EffectOf(blow) == Effect::kRenews && blow.helper && !blow.helper.IsDead())
    sys::KillGroup(blow.helper.pid(), SIGKILL);
}

}  // namespace

InjectRun::~InjectRun() {
  for (const auto& wait : waits_) {
    EndCommand(wait->blow);
    injector_.TakeBack(wait->blow);
  }
  LeaveTrap();
}

void InjectRun::Await(InjectRecord record, Blow blow, const ServerProcesses& server) {
  waits_.push_back(std::make_unique<Wait>(Wait{.record = std::move(record), .blow = std::move(blow)}));
  Wait& wait = *waits_.back();
  wait.record.at = wait.blow.sent - start_;
  wait.record.ended_ports = wait.blow.ended_ports;
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
  if (holds) LookWhetherHeld(wait);
  if (!holds) wait.seen = HasTaken(wait.blow);
  const bool may_die_yet = !holds && Kills(wait.blow);
  if (wait.seen == true && holds) return;
  const sys::Nanos pause = wait.blow.fault == Fault::kNetwork ? kBetweenNetworkLooks : kBetweenLooks;
  wait.look = loop_.At(sys::Now() + pause, [this, &wait, may_die_yet] {
    if (wait.seen == true && !may_die_yet) return Settle(wait, Outcome::kDelivered);
    LookAt(wait);
  });
}

/// A process of several threads that has taken its stop stands still a moment later.
void InjectRun::LookWhetherHeld(Wait& wait) {
  if (wait.seen == true) return;
  const auto holds = Injector::Holds(wait.blow);
  const bool is_certain = holds != false || std::exchange(wait.doubted, true);
  wait.seen = is_certain ? holds : std::nullopt;
}

void InjectRun::TimeIsOver(Wait& wait) {
  switch (EffectOf(wait.blow)) {
    case Effect::kHolds: {
      LookWhetherHeld(wait);
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
  if (settled->blow.guarded) LookWhetherHeld(*settled);
  evidence.seen = settled->seen;
  evidence.ignored = settled->blow.ignored;
  const Finding finding = Prove(InfoOf(settled->blow.fault), evidence);
  EndCommand(settled->blow);
  injector_.TakeBack(settled->blow);
  settled->record.outcome = outcome;
  settled->record.proof = finding.proof;
  settled->record.reason = finding.words;
  Finish(std::move(settled->record));
}

}  // namespace hydrapool::harness
