#include "harness/observe/observer.h"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "harness/observe/bell.h"
#include "harness/observe/child_kinds.h"
#include "harness/observe/family_watch.h"
#include "harness/observe/look_plan.h"
#include "harness/observe/pool_watch.h"
#include "pool/sys/signals.h"

namespace hydrapool::harness {

namespace {

constexpr sys::Nanos kStandstill = 20 * sys::kMillisecond;

}  // namespace

/// What the two threads tell each other.
struct ObserverLinks {
  FamilyWatch watch = {};  ///< The first thread's, but for the first look.
  std::atomic<pid_t> main = 0;
  std::atomic<pid_t> parent = 0;  ///< Whose children are looked at; the second thread says so.
  Bell family_bell = {};
  Bell status_bell = {};
  bool tells =
      false;  ///< There is an admin endpoint: it says who is a worker, and whether all are there again.
  std::atomic<bool> well = true;
  std::atomic<unsigned> stirs = 0;    ///< How often the first thread has called all but well.
  std::atomic<bool> stirred = false;  ///< By another thread; else the bell only asks for a look.

  void Stir() {
    ++stirs;
    well = false;
    status_bell.Ring();
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
  void Keep(const FamilySample& sample) {
    const std::lock_guard lock(mutex_);
    latest_ = sample;
  }
  [[nodiscard]] FamilySample Latest() const {
    const std::lock_guard lock(mutex_);
    return latest_;
  }

 private:
  mutable std::mutex mutex_;
  FamilySample latest_;
  std::set<pid_t> known_;
  std::set<pid_t> before_;  // known until the last status: it may have been asked for after an end
};

namespace {

/// Whether all that follows from a fault has come, as /status.json tells.
class Recovery {
 public:
  void Look(const PoolStatus& status) {
    ready_ = status.parent != 0 && status.workers.size() >= workers_;
    answered_ = true;
    for (const PoolStatus::Worker& worker : status.workers) {
      First& first = first_[worker.slot];
      if (first.incarnation != worker.incarnation) {
        first = {.incarnation = worker.incarnation, .requests = worker.requests};
        renewed_ = true;
      }
      ready_ &= worker.ready;
      answered_ &= worker.requests > first.requests;
    }
  }
  /// What comes from now on follows from a stir.
  void Stir() { renewed_ = false; }
  /// A worker has come since.
  [[nodiscard]] bool renewed() const { return renewed_; }
  /// By the last look each worker is there and ready.
  [[nodiscard]] bool all_ready() const { return ready_; }
  /// And has answered since it was first seen.
  [[nodiscard]] bool complete() const { return ready_ && answered_; }
  /// It is not waited for more workers than these.
  void Settle(const PoolStatus& status) { workers_ = status.workers.size(); }

 private:
  struct First {
    std::uint64_t incarnation = 0;
    std::uint64_t requests = 0;
  };
  std::map<int, First> first_;
  std::size_t workers_ = 0;
  bool ready_ = false;
  bool answered_ = false;
  bool renewed_ = false;
};

}  // namespace

Observer::Observer(pid_t main, std::string admin, const ObserverPace& pace) : pace_(pace) {
  constexpr unsigned kUntilTitled = 64;
  constexpr unsigned kUntilExecuted = 4;  // /status.json tells the rest
  kinds_ = std::make_shared<ChildKinds>(main, admin.empty() ? kUntilTitled : kUntilExecuted);
  links_ = std::make_shared<ObserverLinks>();
  links_->main = links_->parent = main;
  links_->tells = !admin.empty();
  if (links_->tells) {
    if (const auto status = FetchStatus(admin)) links_->Learn(*status);
  }
  seen_.family.push_back(links_->watch.Look(links_->main, links_->parent));
  links_->Keep(seen_.family.back());
  const sys::BlockAllSignals blocked;
  family_ = std::jthread([this](const std::stop_token& stop) { WatchFamily(stop); });
  if (admin.empty()) return;
  status_ = std::jthread(
      [this, admin = std::move(admin)](const std::stop_token& stop) { WatchStatus(stop, admin); });
}

void Observer::WatchFamily(const std::stop_token& stop) {
  FamilyWatch& watch = links_->watch;
  LookPlan plan({.close = pace_.family, .seldom = pace_.calm_family});
  Aftermath aftermath;
  std::size_t whole = watch.living();
  bool looked = true;  // before this thread was started
  const auto stir = [&] {
    plan.Stir(sys::Now());
    links_->Stir();
  };
  const auto is_a_program = [this](pid_t pid) { return kinds_->IsAProgram(pid); };
  sys::Nanos awake = sys::Now();
  for (bool last = false; !last;) {
    last = stop.stop_requested();
    const bool were_there = links_->well;  // then this look shows them
    const bool look = !std::exchange(looked, false) || last;
    auto sample = look ? watch.Look(links_->main, links_->parent) : seen_.family.back();
    for (const pid_t pid : kinds_->Look(sample)) {
      if (links_->tells) watch.Disregard(pid);
    }
    if (sample.children != seen_.family.back().children) {
      links_->Keep(sample);
      seen_.family.push_back(std::move(sample));
      if (!links_->tells) stir();
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
      const std::size_t ended = links_->Matter(woken.ended, is_a_program);
      aftermath.Ended(ended);
      const bool stirred = links_->stirred.exchange(false) || ended > 0;
      if (stirred) {  // nothing has come of it yet
        stir();
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

void Observer::WatchStatus(const std::stop_token& stop, const std::string& admin) {
  LookPlan plan({.close = pace_.status, .seldom = pace_.calm_status});
  Recovery recovery;
  for (bool last = false; !last;) {
    last = stop.stop_requested();
    const unsigned stirs = links_->stirs;
    if (links_->status_bell.Silence()) {
      plan.Stir(sys::Now());
      recovery.Stir();
    }
    const sys::Nanos begun = sys::Now();
    auto status = FetchStatus(admin);
    if (status) recovery.Look(*status);
    const bool all_ready = status && recovery.all_ready();
    plan.Note(status && recovery.complete());
    if (status && recovery.complete() && recovery.renewed()) plan.Settle();
    if (status) {
      links_->Learn(*status);
      if (!plan.IsClose(sys::Now())) recovery.Settle(*status);
      seen_.status.push_back({.at = sys::Now(),
                              .workers = std::move(status->workers),
                              .main = status->main,
                              .parent = status->parent});
    }
    const sys::Nanos now = sys::Now();
    if (all_ready || !plan.IsClose(now)) links_->Calm(stirs);
    if (last) continue;
    const auto millis = [](sys::Nanos time) { return static_cast<int>(time / sys::kMillisecond); };
    pollfd rung{links_->status_bell.fd(), POLLIN, 0};
    if (plan.IsClose(now)) {
      ::poll(nullptr, 0, std::max(millis(begun + (all_ready ? pace_.answers : pace_.status) - now), 0));
    } else if (::poll(&rung, 1, millis(pace_.calm_status)) == 1) {
      ::poll(nullptr, 0, millis(pace_.status));  // nothing has come of it yet
    }
  }
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
  return std::move(seen_);
}

}  // namespace hydrapool::harness
