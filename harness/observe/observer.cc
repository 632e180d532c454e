#include "harness/observe/observer.h"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "harness/observe/bell.h"
#include "harness/observe/child_kinds.h"
#include "harness/observe/family_watch.h"
#include "harness/observe/look_plan.h"
#include "harness/observe/status_watch.h"
#include "pool/sys/signals.h"

namespace hydrapool::harness {

namespace {

constexpr sys::Nanos kStandstill = 20 * sys::kMillisecond;

StatusWatch::Pace PaceOf(const ObserverPace& pace) {
  return {.status = pace.status, .answers = pace.answers, .told = pace.told, .calm = pace.calm_status};
}

}  // namespace

/// What the two threads tell each other.
struct ObserverLinks {
  ObserverLinks(pid_t server, const std::string& admin, const ObserverPace& pace)
      : main(server), parent(server), tells(!admin.empty()), status_watch(admin, PaceOf(pace)) {}

  FamilyWatch watch = {};  ///< The first thread's, but for the first look.
  std::atomic<pid_t> main = 0;
  std::atomic<pid_t> parent = 0;  ///< Whose children are looked at; the second thread says so.
  Bell family_bell = {};
  Bell status_bell = {};
  /// There is an admin endpoint: it says who is a worker, and whether all are there again.
  const bool tells;
  StatusWatch status_watch;
  std::atomic<bool> well = true;
  std::atomic<unsigned> stirs = 0;    ///< How often the first thread has called all but well.
  std::atomic<bool> stirred = false;  ///< By another thread; else the bell only asks for a look.

  void Stir(StatusWatch::Stirred by) {
    ++stirs;
    well = false;
    if (status_watch.Stir(by)) status_bell.Ring();
  }
  sys::Result<PoolStatus> LookAtStatus(std::chrono::milliseconds patience = kPatience) {
    const unsigned before = stirs;
    auto seen = status_watch.Look(patience);
    if (!seen) return tl::unexpected(seen.error());
    Learn(seen->status);
    if (seen->calm) Calm(before);
    return std::move(seen->status);
  }
  /// All is well by what was asked for when there had been `before` stirs.
  void Calm(unsigned before) {
    if (stirs == before) well = true;
    if (stirs != before) well = false;
  }
  void Learn(const PoolStatus& status) {
    main = status.main;
    parent = status.parent;
    const std::lock_guard lock(mutex_);
    before_ = std::exchange(known_, {status.main, status.parent});
    bool seen = true;
    for (const PoolStatus::Worker& worker : status.workers) {
      known_.insert(worker.pid);
      seen &= std::ranges::find(latest_.children, worker.pid, &Identity::pid) != latest_.children.end();
    }
    if (!seen) family_bell.Ring();
  }
  /// How many of these are more than a program that the server has run.
  template <typename Predicate>
  [[nodiscard]] std::size_t Matter(const std::vector<pid_t>& ended, Predicate is_a_program) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count_if(ended, [&](pid_t pid) {
      return !tells || known_.contains(pid) || before_.contains(pid) || !is_a_program(pid);
    }));
  }
  void Keep(const FamilySample& sample, std::vector<Identity> living) {
    const std::lock_guard lock(mutex_);
    latest_ = sample;
    living_ = std::move(living);
  }
  void NoteEnds(const std::vector<pid_t>& ended) {
    const std::lock_guard lock(mutex_);
    std::erase_if(living_,
                  [&](const Identity& each) { return std::ranges::find(ended, each.pid) != ended.end(); });
  }
  /// Children that live for certain.
  [[nodiscard]] std::vector<Identity> Living() const {
    if (watch.HasNews()) return {};
    const std::lock_guard lock(mutex_);
    return living_;
  }
  [[nodiscard]] FamilySample Latest() const {
    const std::lock_guard lock(mutex_);
    return latest_;
  }

 private:
  mutable std::mutex mutex_;
  FamilySample latest_;
  std::vector<Identity> living_;
  std::set<pid_t> known_;
  std::set<pid_t> before_;  // known until the last status: it may have been asked for after an end
};

namespace {

bool HasHead(const std::vector<pid_t>& ended, const ObserverLinks& links) {
  return std::ranges::any_of(ended, [&links](pid_t pid) { return pid == links.main || pid == links.parent; });
}

}  // namespace

Observer::Observer(pid_t main, const std::string& admin, const ObserverPace& pace) : pace_(pace) {
  links_ = std::make_shared<ObserverLinks>(main, admin, pace);
  kinds_ = std::make_shared<ChildKinds>(
      main, links_->tells ? ChildKinds::Told::kByStatus : ChildKinds::Told::kByTitle);
  if (links_->tells) static_cast<void>(links_->LookAtStatus());
  seen_.family.push_back(links_->watch.Look(links_->main, links_->parent));
  links_->Keep(seen_.family.back(), links_->watch.Living());
  const sys::BlockAllSignals blocked;
  family_ = std::jthread([this](const std::stop_token& stop) { WatchFamily(stop); });
  if (links_->tells) status_ = std::jthread([this](const std::stop_token& stop) { WatchStatus(stop); });
}

void Observer::WatchFamily(const std::stop_token& stop) {
  FamilyWatch& watch = links_->watch;
  LookPlan plan({.close = pace_.family, .seldom = pace_.calm_family});
  Aftermath aftermath;
  std::size_t whole = watch.living();
  bool looked = true;  // before this thread was started
  const auto stir = [&](StatusWatch::Stirred by) {
    plan.Stir(sys::Now());
    links_->Stir(by);
  };
  const auto is_a_program = [this](pid_t pid) { return kinds_->IsAProgram(pid); };
  sys::Nanos awake = sys::Now();
  for (bool last = false; !last;) {
    last = stop.stop_requested();
    const bool were_there = links_->well;  // then this look shows them
    const bool look = !std::exchange(looked, false) || last;
    auto sample = look ? watch.Look(links_->main, links_->parent) : seen_.family.back();
    const auto turned_out = kinds_->Look(sample, {links_->main, links_->parent});
    for (const pid_t pid : turned_out.programs) {
      if (links_->tells) watch.Disregard(pid);
    }
    for (const pid_t pid : turned_out.forks_after_all) watch.Regard(pid);
    if (sample.children != seen_.family.back().children) {
      links_->Keep(sample, watch.Living());
      seen_.family.push_back(std::move(sample));
      if (!links_->tells) stir(StatusWatch::Stirred::kElse);
    }
    plan.Note(links_->tells ? were_there : watch.living() >= whole && !watch.has_dead());
    if (aftermath.Looked(watch.newcomers(), watch.has_dead())) plan.Settle();
    const sys::Nanos now = sys::Now();
    NoteStandstill(awake);
    if (!plan.IsClose(now)) whole = watch.living();
    sys::Nanos next = now + plan.Pause(now);
    for (sys::Nanos left = next - now; left > 0 && !last && !stop.stop_requested();
         left = next - sys::Now()) {
      const auto woken = watch.Await(links_->family_bell, left);
      awake = sys::Now();
      NoteStandstill(next);
      links_->NoteEnds(woken.ended);
      const std::size_t ended = links_->Matter(woken.ended, is_a_program);
      aftermath.Ended(ended);
      const bool called = links_->stirred.exchange(false);
      const bool stirred = called || ended > 0;
      if (stirred) {  // nothing has come of it yet
        stir(called || HasHead(woken.ended, *links_) ? StatusWatch::Stirred::kElse
                                                     : StatusWatch::Stirred::kByWorkersEnd);
        next = std::min(next, sys::Now() + pace_.family);
      }
      if ((woken.rung && !stirred) || links_->Matter(woken.reaped, is_a_program) > 0) break;
    }
  }
}

void Observer::NoteStandstill(sys::Nanos due) {
  const sys::Nanos now = sys::Now();
  if (now - due >= kStandstill) seen_.standstills.push_back({.from = due, .to = now});
}

void Observer::WatchStatus(const std::stop_token& stop) {
  const pollfd bell{links_->status_bell.fd(), POLLIN, 0};
  for (bool last = false; !last;) {
    last = stop.stop_requested();
    static_cast<void>(links_->LookAtStatus());
    while (!last && !stop.stop_requested()) {
      const sys::Nanos pause = links_->status_watch.Due() - sys::Now();
      if (pause <= 0) break;
      pollfd rung = bell;
      ::poll(&rung, 1, static_cast<int>((pause + sys::kMillisecond - 1) / sys::kMillisecond));
      links_->status_bell.Silence();
    }
  }
}

sys::Result<ServerProcesses> Observer::Look() {
  const auto status = links_->LookAtStatus(kShortPatience);
  if (!status) return tl::unexpected(status.error());
  return LivingProcesses(*status, links_->Living());
}

void Observer::Stir() {
  links_->stirred = true;
  links_->family_bell.Ring();
}

FamilySample Observer::Latest() const { return links_->Latest(); }

Observer::~Observer() { End(); }

void Observer::End() {
  family_.request_stop();
  status_.request_stop();
  links_->family_bell.Ring();
  links_->status_bell.Ring();
  if (family_.joinable()) family_.join();
  if (status_.joinable()) status_.join();
}

Observer::Seen Observer::Stop() {
  End();
  kinds_->KeepWorkers(seen_.family);
  seen_.status = links_->status_watch.TakeSamples();
  return std::move(seen_);
}

}  // namespace hydrapool::harness
