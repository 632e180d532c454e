#include "harness/fault/inject_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "pool/sys/child.h"

namespace hydrapool::harness {
namespace {

std::int64_t UnixMillis() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

InjectRun::InjectRun(sys::EventLoop& loop, const Options& options, ListWorkers list_workers, Report report)
    : loop_(loop),
      options_(options),
      list_workers_(std::move(list_workers)),
      report_(std::move(report)),
      schedule_(options_.schedule),
      parent_(sys::OpenPidfd(options_.parent)) {
  summary_.schedule = options_.schedule;
  summary_.parent = options_.parent;
  if (!parent_) sys::ThrowErrno(ESRCH, fmt::format("pid {}", options_.parent));
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

void InjectRun::Stop() {
  if (summary_.ended.empty()) summary_.ended = "interrupted";
  next_.Reset();
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
  ++summary_.planned;
  const auto workers = list_workers_();
  if (!workers) return Missed(fault, {}, workers.error().message);
  const auto victims = ChooseTargets(fault.target, *workers, fault.draw);
  if (victims.empty()) return Missed(fault, {}, "no worker was there");
  for (const WorkerView& victim : victims) StrikeOne(fault, victim);
}

void InjectRun::StrikeOne(const PlannedFault& fault, const WorkerView& worker) {
  auto blow = Strike(worker.identity, options_.parent, fault.fault);
  if (!blow) return Missed(fault, worker, blow.error().message);
  Await(RecordOf(fault, worker), std::move(*blow));
}

void InjectRun::Await(InjectRecord record, Blow blow) {
  waits_.push_back(std::make_unique<Wait>(
      Wait{.record = std::move(record), .blow = std::move(blow), .watch = {}, .deadline = {}}));
  Wait& wait = *waits_.back();
  wait.record.at = wait.blow.sent - start_;
  wait.watch = loop_.Add(wait.blow.pidfd.get(), EPOLLIN, [this, &wait](std::uint32_t) {
    wait.record.dead = sys::Now() - wait.blow.sent;
    Settle(wait, Outcome::kDead);
  });
  wait.deadline =
      loop_.At(wait.blow.sent + options_.dead_within, [this, &wait] { Settle(wait, Outcome::kAlive); });
}

void InjectRun::Settle(Wait& wait, Outcome outcome) {
  const auto at = std::ranges::find_if(waits_, [&](const auto& each) { return each.get() == &wait; });
  const auto settled = std::move(*at);
  waits_.erase(at);
  settled->watch.Reset();
  settled->record.outcome = outcome;
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
          .dead = {},
          .outcome = Outcome::kMissed,
          .reason = {}};
}

}  // namespace hydrapool::harness
