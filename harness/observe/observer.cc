#include "harness/observe/observer.h"

#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "harness/fault/process_tree.h"
#include "harness/fault/worker_kind.h"
#include "harness/observe/pool_watch.h"
#include "pool/sys/signals.h"

namespace hydrapool::harness {
namespace {

template <typename Poll>
std::jthread Every(sys::Nanos period, Poll poll) {
  const sys::BlockAllSignals blocked;
  return std::jthread([period, poll = std::move(poll)](const std::stop_token& stop) {
    for (bool last = false; !last;) {
      last = stop.stop_requested();
      const sys::Nanos next = sys::Now() + period;
      poll();
      if (!last) std::this_thread::sleep_for(std::chrono::nanoseconds(next - sys::Now()));
    }
  });
}

void AddChildren(pid_t parent, std::vector<Identity>& children) {
  for (const pid_t pid : ChildrenOf(parent)) {
    if (const auto process = ReadProcess(pid); process && process->parent == parent)
      children.push_back(process->identity);
  }
}

FamilySample FamilyOf(pid_t main, pid_t parent) {
  FamilySample sample;
  AddChildren(main, sample.children);
  if (parent != main) AddChildren(parent, sample.children);
  sample.at = sys::Now();
  return sample;
}

}  // namespace

/// Whose children are looked at; the thread that reads /status.json says so to the other.
struct Heads {
  std::atomic<pid_t> main = 0;
  std::atomic<pid_t> parent = 0;
};

/// What the children of a server were, followed while they live: who has just been forked runs its parent's
/// program under its parent's title, and shows only later what it becomes.
class ChildKinds {
 public:
  explicit ChildKinds(pid_t parent) : parents_(ReadProgram(parent)), parents_title_(TitleOf(parent)) {}

  void Look(const FamilySample& sample) {
    for (const Identity& child : sample.children) {
      Seen& seen = seen_[{child.pid, child.start_time}];
      if (seen.looks++ < kLooks) Look(child, seen);
    }
  }
  /// Leaves only workers in `samples`, and those that ended before they had a title of their own.
  void KeepWorkers(std::vector<FamilySample>& samples) const {
    std::set<Key> others;
    std::vector<Fork> titled;
    for (const auto& [key, seen] : seen_) {
      if (!seen.same_program) others.insert(key);
      const bool told = !seen.title.empty() && seen.title != parents_title_;
      if (seen.same_program && told)
        titled.push_back({.worker = {.identity = {key.first, key.second}}, .title = seen.title});
    }
    for (const Fork& each : TellApart(std::move(titled)).others)
      others.emplace(each.worker.identity.pid, each.worker.identity.start_time);
    for (FamilySample& sample : samples) {
      std::erase_if(sample.children, [&](const Identity& child) {
        return others.contains({child.pid, child.start_time});
      });
    }
  }

 private:
  using Key = std::pair<pid_t, std::uint64_t>;
  struct Seen {
    bool same_program = true;
    std::string title = {};
    int looks = 0;
  };
  static constexpr int kLooks = 50;

  void Look(const Identity& child, Seen& seen) const {
    const auto program = ReadProgram(child.pid);
    const std::string title = TitleOf(child.pid);
    if (program && parents_) seen.same_program = program->SameAs(*parents_);
    if (!title.empty()) seen.title = title;
  }

  std::optional<Program> parents_;
  std::string parents_title_;
  std::map<Key, Seen> seen_;
};

Observer::Observer(pid_t main, std::string admin) {
  kinds_ = std::make_shared<ChildKinds>(main);
  heads_ = std::make_shared<Heads>();
  heads_->main = heads_->parent = main;
  const auto learn = [this](const PoolStatus& status) {
    heads_->main = status.main;
    heads_->parent = status.parent;
  };
  if (!admin.empty()) {
    if (const auto status = FetchStatus(admin)) learn(*status);
  }
  seen_.family.push_back(FamilyOf(heads_->main, heads_->parent));
  family_ = Every(kFamilyPeriod, [this] {
    auto sample = FamilyOf(heads_->main, heads_->parent);
    kinds_->Look(sample);
    if (sample.children != seen_.family.back().children) seen_.family.push_back(std::move(sample));
  });
  if (admin.empty()) return;
  status_ = Every(kStatusPeriod, [this, learn, admin = std::move(admin)] {
    auto status = FetchStatus(admin);
    if (!status) return;
    learn(*status);
    seen_.status.push_back({.at = sys::Now(),
                            .workers = std::move(status->workers),
                            .main = status->main,
                            .parent = status->parent});
  });
}

Observer::Seen Observer::Stop() {
  family_.request_stop();
  status_.request_stop();
  if (family_.joinable()) family_.join();
  if (status_.joinable()) status_.join();
  kinds_->KeepWorkers(seen_.family);
  return std::move(seen_);
}

}  // namespace hydrapool::harness
