#include "harness/fault/inject_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "harness/fault/duration.h"
#include "harness/fault/programs.h"
#include "pool/sys/child.h"

namespace hydrapool::harness {
namespace {

constexpr sys::Nanos kBetweenServerLooks = 20 * sys::kMillisecond;
constexpr sys::Nanos kToSucceed = 5 * sys::kSecond;
constexpr sys::Nanos kForAVictim = sys::kSecond;
constexpr sys::Nanos kBetweenTries = 2 * sys::kMillisecond;
constexpr sys::Nanos kUntilItAnswers = 2 * sys::kSecond;
constexpr sys::Nanos kBetweenQuestions = 200 * sys::kMillisecond;

/// Half of the time that so many more requests will take if they go on as they came; within bounds.
sys::Nanos PauseFor(std::uint64_t missing, std::uint64_t executed, sys::Nanos elapsed) {
  constexpr sys::Nanos kLeast = sys::kMillisecond;
  constexpr sys::Nanos kMost = 100 * sys::kMillisecond;
  if (executed == 0) return 10 * sys::kMillisecond;
  const double left = static_cast<double>(missing) / static_cast<double>(executed);
  return std::clamp(static_cast<sys::Nanos>(left * static_cast<double>(elapsed) / 2), kLeast, kMost);
}

std::string WhyNobody(const PlannedFault& fault, const ServerProcesses& server, bool any_unhurt) {
  switch (fault.target.kind) {
    case Target::kParent:
    case Target::kSupervisor:
      return fmt::format("for a second no {} was there, or it was the last of parent and supervisor",
                         Name(fault.target));
    case Target::kCgiOf:
      return fmt::format("slot {} ran no program within a second", fault.target.slot);
    default:
      break;
  }
  if (server.workers.empty()) return "no worker was there";
  if (!any_unhurt) return "every worker was leaving or hurt already";
  if (fault.phase) return fmt::format("no such worker was {} within a second", Name(*fault.phase));
  return fmt::format("no worker was {}", Name(fault.target));
}

/// A program runs now and then, and a parent or supervisor that was killed is soon made again.
bool MayComeBack(const Target& target) {
  return target.kind == Target::kCgiOf || target.kind == Target::kParent ||
         target.kind == Target::kSupervisor;
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
      main_{.pidfd = sys::OpenPidfd(injector_.main())} {
  summary_.schedule = options_.schedule;
  summary_.listed = options_.listed.size();
  summary_.parent = injector_.main();
  if (!main_.pidfd) sys::ThrowErrno(ESRCH, fmt::format("pid {}", injector_.main()));
}

void InjectRun::LeaveTrap() {
  if (!trap_guarded_) return;
  options_.trap->Clear();
  injector_.Forget(*trap_guarded_);
  trap_guarded_.reset();
}

InjectSummary InjectRun::Run() {
  Start(sys::Now());
  while (!over()) loop_.RunOnce();
  main_.watch.Reset();
  if (summary_.ended.empty()) summary_.ended = "schedule";
  return summary_;
}

void InjectRun::Start(sys::Nanos start) {
  start_ = start;
  if (options_.trap != nullptr) trap_guarded_ = injector_.Remember(options_.trap->undo());
  WatchMain();
  ScheduleNext();
}

void InjectRun::WatchMain() {
  main_.watch = loop_.Add(main_.pidfd.get(), EPOLLIN, [this](std::uint32_t) {
    main_.watch.Reset();
    SeekMain(sys::Now() + kToSucceed);
  });
}

void InjectRun::SeekMain(sys::Nanos deadline) {
  const auto now = look_();
  if (now && now->main() != nullptr && !injector_.Follow(*now)) {
    main_.pidfd = sys::OpenPidfd(injector_.main());
    if (main_.pidfd) return WatchMain();
  }
  if (sys::Now() > deadline) return Stop("parent");
  main_.seek = loop_.At(sys::Now() + kBetweenServerLooks, [this, deadline] { SeekMain(deadline); });
}

void InjectRun::Stop(std::string why) {
  if (summary_.ended.empty()) summary_.ended = std::move(why);
  next_.Reset();
  LeaveTrap();
  std::vector<Wait*> held;
  for (const auto& wait : waits_) {
    if (InfoOf(wait->blow.fault).effect == Effect::kHolds) held.push_back(wait.get());
  }
  for (Wait* wait : held) TimeIsOver(*wait);
}

void InjectRun::ScheduleNext() {
  if (!summary_.ended.empty()) return;
  const auto fault = schedule_.Next();
  if (!fault) return;
  next_ = loop_.At(start_ + fault->at, [this, fault = *fault] { Try(fault, {}); });
}

void InjectRun::TryAgain(const PlannedFault& fault, std::optional<sys::Nanos> deadline, sys::Nanos pause) {
  next_ = loop_.At(sys::Now() + pause, [this, fault, deadline] { Try(fault, deadline); });
}

void InjectRun::Try(PlannedFault fault, std::optional<sys::Nanos> deadline) {
  if (injector_.spent()) return Stop("budget");
  const auto server = look_();
  if (MayAnswerYet(server)) return TryAgain(fault, deadline, kBetweenQuestions);
  if (fault.requests && !deadline) {
    const sys::Nanos since = sys::Now() - start_;
    if (options_.schedule.duration && since > *options_.schedule.duration) return next_.Reset();
    const auto pause = server ? PauseUntilDue(fault, *server) : std::optional(kBetweenServerLooks);
    if (pause && CountStandsStill()) {
      Missed(fault, {},
             fmt::format("the server has executed no request for {}, and this fault comes after {} of them",
                         DurationText(options_.requests_within), *fault.requests));
      return Stop("requests");
    }
    if (pause) return TryAgain(fault, {}, *pause);
  }
  if (!deadline) ++summary_.planned;
  if (!deadline && options_.trap != nullptr) options_.trap->Set();
  const sys::Nanos until = deadline.value_or(sys::Now() + kForAVictim);
  if (!CarryOut(fault, server, sys::Now() >= until)) return TryAgain(fault, until, kBetweenTries);
  if (options_.trap != nullptr) options_.trap->Clear();
  ScheduleNext();
}

/// One that does not answer is asked again in between, as this loop has to go on.
bool InjectRun::MayAnswerYet(const sys::Result<ServerProcesses>& server) {
  if (server || server.error().code != ETIMEDOUT) {
    silent_since_.reset();
    return false;
  }
  if (!silent_since_) silent_since_ = sys::Now();
  if (sys::Now() - *silent_since_ < kUntilItAnswers) return true;
  silent_since_.reset();
  return false;
}

std::optional<sys::Nanos> InjectRun::PauseUntilDue(const PlannedFault& fault, const ServerProcesses& server) {
  const std::uint64_t now = server.requests.value_or(0);
  if (!counted_from_ || now < counted_from_->requests)
    counted_from_ = Count{.requests = now, .at = sys::Now(), .last = now, .since = sys::Now()};
  if (now != counted_from_->last) {
    counted_from_->last = now;
    counted_from_->since = sys::Now();
  }
  const std::uint64_t due = counted_from_->requests + *fault.requests;
  if (now >= due) return std::nullopt;
  return PauseFor(due - now, now - counted_from_->requests, sys::Now() - counted_from_->at);
}

bool InjectRun::CountStandsStill() const {
  const sys::Nanos since = counted_from_ ? counted_from_->since : start_;
  return sys::Now() - since > options_.requests_within;
}

bool InjectRun::CarryOut(const PlannedFault& fault, const sys::Result<ServerProcesses>& server,
                         bool is_last_try) {
  const auto miss = [&](std::string why) {
    Missed(fault, {}, std::move(why));
    return true;
  };
  if (!server) return miss(server.error().message);
  if (auto why = injector_.Follow(*server)) return miss(std::move(*why));
  if (fault.target != Target::kServer) return StrikeWorkers(fault, *server, is_last_try);
  StrikeOne(fault, *server->main(), *server);
  return true;
}

bool InjectRun::StrikeWorkers(const PlannedFault& fault, const ServerProcesses& server, bool is_last_try) {
  ServerProcesses choice = injector_.WithoutLastHead(server);
  choice.workers = injector_.Unhurt(server.workers);
  const std::size_t unhurt = choice.workers.size();
  if (options_.trap != nullptr) return StrikeCaught(fault, server, choice.workers, is_last_try);
  if (fault.phase) choice.workers = InPhase(choice.workers, *fault.phase);
  if (fault.target.kind == Target::kCgiOf) {
    const auto its = std::ranges::find(server.workers, fault.target.slot, &ProcessView::slot);
    if (its != server.workers.end()) {
      const auto programs = ProgramsOf(*its, server);
      if (programs) choice.programs = injector_.Unhurt(*programs);
    }
  }
  const auto victims = ChooseTargets(fault.target, choice, fault.draw);
  if (victims.empty()) {
    if ((fault.phase || MayComeBack(fault.target)) && !is_last_try) return false;
    Missed(fault, {}, WhyNobody(fault, server, unhurt > 0));
    return true;
  }
  const auto workers = std::ranges::count(victims, Role::kWorker, &ProcessView::role);
  if (auto why = injector_.WhyTooMany(fault.fault, static_cast<std::size_t>(workers), unhurt);
      why && workers > 0) {
    Missed(fault, {}, std::move(*why));
  } else {
    for (const ProcessView& victim : victims) StrikeOne(fault, victim, server);
  }
  return true;
}

bool InjectRun::StrikeCaught(const PlannedFault& fault, const ServerProcesses& server,
                             const std::vector<ProcessView>& unhurt, bool is_last_try) {
  Trap& trap = *options_.trap;
  const auto pid = trap.Caught();
  if (!pid && !(is_last_try && trap.Unset())) return false;
  const auto victim =
      std::ranges::find(unhurt, pid.value_or(0), [](const auto& each) { return each.identity.pid; });
  if (!pid) {
    Missed(fault, {}, fmt::format("no worker was {} within a second", Name(*fault.phase)));
  } else if (victim != unhurt.end()) {
    if (auto why = injector_.WhyTooMany(fault.fault, 1, unhurt.size())) {
      Missed(fault, {}, std::move(*why));
    } else {
      StrikeOne(fault, *victim, server);
    }
  } else if (is_last_try) {
    Missed(fault, {}, "every worker was leaving or hurt already");
  } else {
    trap.Set();
    return false;
  }
  return true;
}

void InjectRun::StrikeOne(const PlannedFault& fault, const ProcessView& victim,
                          const ServerProcesses& server) {
  auto blow = injector_.Strike(victim.identity, fault.fault, options_.harm);
  if (!blow) {
    return Missed(fault, victim, blow.error().message);
  }
  Await(RecordOf(fault, victim), std::move(*blow), server);
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
          .requests = fault.requests,
          .phase = fault.phase,
          .worker = worker,
          .outcome = Outcome::kMissed};
}

}  // namespace hydrapool::harness
