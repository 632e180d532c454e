#include "harness/observe/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <tuple>

namespace hydrapool::harness {
namespace {

template <typename Sample>
std::span<const Sample> From(std::span<const Sample> samples, sys::Nanos since) {
  return samples.subspan(
      static_cast<std::size_t>(std::ranges::lower_bound(samples, since, {}, &Sample::at) - samples.begin()));
}

const PoolStatus::Worker* WorkerOf(const StatusSample& sample, int slot) {
  const auto found = std::ranges::find(sample.workers, slot, &PoolStatus::Worker::slot);
  return found == sample.workers.end() ? nullptr : &*found;
}

// From the last look that showed it: one look may miss a child that lives (process_tree.h).
std::optional<sys::Nanos> GoneAt(const Identity& who, std::span<const FamilySample> family) {
  std::optional<sys::Nanos> gone;
  for (const FamilySample& sample : family) {
    const bool there = std::ranges::find(sample.children, who) != sample.children.end();
    if (there) gone.reset();
    if (!there && !gone) gone = sample.at;
  }
  return gone;
}

std::optional<sys::Nanos> SeenAt(pid_t pid, std::span<const FamilySample> family) {
  for (const FamilySample& sample : family) {
    if (std::ranges::any_of(sample.children, [pid](const Identity& child) { return child.pid == pid; }))
      return sample.at;
  }
  return std::nullopt;
}

void FollowSlot(const Victim& victim, std::span<const FamilySample> family,
                std::span<const StatusSample> status, Timeline& timeline) {
  const PoolStatus::Worker* first = nullptr;
  for (const StatusSample& sample : status) {
    const PoolStatus::Worker* worker = WorkerOf(sample, *victim.slot);
    const bool not_yet = worker == nullptr || worker->incarnation <= victim.incarnation;
    if (not_yet && first == nullptr) continue;
    if (not_yet || worker->incarnation != victim.incarnation + 1) {
      timeline.superseded = true;
      timeline.unobserved = first == nullptr;
      return;
    }
    if (first == nullptr) {
      first = worker;
      timeline.successor = worker->pid;
      const auto seen = SeenAt(worker->pid, family);
      timeline.forked = seen ? std::min(*seen, sample.at) : sample.at;
    }
    if (!timeline.ready && (worker->ready || worker->ready_age)) {
      timeline.ready = sample.at - worker->ready_age.value_or(0);
      timeline.forked = std::min(*timeline.forked, *timeline.ready);  // it was there by then
    }
    if (timeline.ready && (worker->answered_age || worker->requests > first->requests)) {
      timeline.first_response = sample.at - worker->answered_age.value_or(0);
      return;
    }
  }
}

/// A parent or supervisor; its successor is who stands in its place.
void FollowPlace(const Victim& victim, std::span<const FamilySample> family,
                 std::span<const StatusSample> status, Timeline& timeline) {
  for (const StatusSample& sample : status) {
    const pid_t now = victim.role == Role::kSupervisor ? sample.main : sample.parent;
    const bool two = victim.role == Role::kParent || sample.parent != sample.main;
    if (now == 0 || now == victim.identity.pid || !two) continue;
    const auto seen = SeenAt(now, family);
    timeline.successor = now;
    timeline.forked = seen && victim.role == Role::kParent ? std::min(*seen, sample.at) : sample.at;
    timeline.ready = sample.at;
    return;
  }
}

using Key = std::pair<pid_t, std::uint64_t>;
Key KeyOf(const Identity& who) { return {who.pid, who.start_time}; }

/// A child that was not there at first.
struct Newcomer {
  Identity identity;
  sys::Nanos by = 0;  ///< It was there by then.
  bool seen = false;  ///< A look showed it; else only the fault that hit it tells of it.
};

/// In the order in which they were started.
std::vector<Newcomer> NewcomersIn(std::span<const FamilySample> family, std::span<const Victim> victims) {
  std::vector<Newcomer> newcomers;
  std::set<Key> known;
  for (const FamilySample& sample : family) {
    for (const Identity& child : sample.children) {
      const bool is_new = known.insert(KeyOf(child)).second;
      if (is_new && &sample != &family.front())
        newcomers.push_back({.identity = child, .by = sample.at, .seen = true});
    }
  }
  for (const Victim& victim : victims) {
    if (known.insert(KeyOf(victim.identity)).second)
      newcomers.push_back({.identity = victim.identity, .by = victim.sent});
  }
  std::ranges::stable_sort(newcomers, {}, [](const Newcomer& newcomer) {
    return std::tuple(newcomer.identity.start_time, newcomer.by);
  });
  return newcomers;
}

/// When children that no fault hit were first gone for good.
std::vector<sys::Nanos> OtherEndsIn(std::span<const FamilySample> family, std::span<const Victim> victims) {
  std::map<Key, std::size_t> last;
  for (std::size_t i = 0; i < family.size(); ++i) {
    for (const Identity& child : family[i].children) last[KeyOf(child)] = i;
  }
  for (const Victim& victim : victims) last.erase(KeyOf(victim.identity));
  std::vector<sys::Nanos> ends;
  for (const auto& [child, index] : last) {
    if (index + 1 < family.size()) ends.push_back(family[index + 1].at);
  }
  return ends;
}

/// Victims without a slot in the order of their deaths; one that was hit twice has died once.
std::vector<std::size_t> DeathsIn(std::span<const Victim> victims, const std::vector<Timeline>& timelines) {
  std::map<Key, std::size_t> last;
  for (std::size_t i = 0; i < victims.size(); ++i) {
    if (timelines[i].dead && !victims[i].slot && victims[i].role == Role::kWorker)
      last[KeyOf(victims[i].identity)] = i;
  }
  std::vector<std::size_t> deaths;
  for (const auto& [who, index] : last) deaths.push_back(index);
  std::ranges::sort(deaths, {}, [&](std::size_t i) { return std::pair(timelines[i].dead, victims[i].sent); });
  return deaths;
}

void PairByNumber(std::span<const Victim> victims, std::span<const FamilySample> family,
                  std::vector<Timeline>& timelines) {
  const auto other_ends = OtherEndsIn(family, victims);
  const auto deaths = DeathsIn(victims, timelines);
  std::deque<std::size_t> waiting;
  std::size_t next = 0;
  for (const Newcomer& newcomer : NewcomersIn(family, victims)) {
    for (; next < deaths.size() && *timelines[deaths[next]].dead <= newcomer.by; ++next)
      waiting.push_back(deaths[next]);
    if (waiting.empty()) continue;
    const sys::Nanos since = victims[waiting.front()].sent;
    Timeline& timeline = timelines[waiting.front()];
    waiting.pop_front();
    const bool another_waits =
        std::ranges::any_of(other_ends, [&](sys::Nanos end) { return end >= since && end <= newcomer.by; });
    timeline.superseded = !newcomer.seen;
    timeline.unobserved = another_waits || !newcomer.seen;
    if (!another_waits) timeline.successor = newcomer.identity.pid;
    if (!timeline.unobserved) timeline.forked = newcomer.by;
  }
}

void Describe(const StatusSample& sample, std::map<pid_t, Life*>& living) {
  for (const PoolStatus::Worker& worker : sample.workers) {
    const auto life = living.find(worker.pid);
    if (life == living.end()) continue;
    life->second->slot = worker.slot;
    if (worker.ready && !life->second->ready)
      life->second->ready = std::max(life->second->from, sample.at - worker.ready_age.value_or(0));
  }
  if (const auto life = living.find(sample.parent); life != living.end()) life->second->role = Role::kParent;
}

}  // namespace

std::vector<Life> LivesIn(std::span<const FamilySample> family, std::span<const StatusSample> status) {
  std::deque<Life> lives;  // whose elements stay where they are
  std::map<pid_t, Life*> living;
  auto next = status.begin();
  for (const FamilySample& sample : family) {
    for (; next != status.end() && next->at < sample.at; ++next) Describe(*next, living);
    std::map<pid_t, Life*> still;
    for (const Identity& child : sample.children) {
      const auto known = living.find(child.pid);
      const bool is_known = known != living.end() && known->second->identity == child;
      still[child.pid] =
          is_known ? known->second : &lives.emplace_back(Life{.identity = child, .from = sample.at});
    }
    for (const auto& [pid, life] : living) {
      if (const auto here = still.find(pid); here == still.end() || here->second != life)
        life->to = sample.at;
    }
    living = std::move(still);
  }
  for (; next != status.end(); ++next) Describe(*next, living);
  return {lives.begin(), lives.end()};
}

std::vector<Timeline> Reconstruct(std::span<const Victim> victims, std::span<const FamilySample> family,
                                  std::span<const StatusSample> status) {
  std::vector<Timeline> timelines;
  for (const Victim& victim : victims) {
    Timeline& timeline = timelines.emplace_back();
    timeline.dead = victim.dead;
    if (!victim.dead) continue;
    const auto family_since = From(family, victim.sent);
    if (victim.role != Role::kSupervisor) timeline.reaped = GoneAt(victim.identity, family_since);
    if (timeline.reaped) timeline.dead = std::min(*timeline.dead, *timeline.reaped);
    if (victim.slot) FollowSlot(victim, family_since, From(status, victim.sent), timeline);
    if (victim.role != Role::kWorker) FollowPlace(victim, family_since, From(status, victim.sent), timeline);
  }
  PairByNumber(victims, family, timelines);
  return timelines;
}

std::optional<std::string> CountersThatWentBack(std::span<const StatusSample> status) {
  std::map<int, std::uint64_t> before;
  for (const StatusSample& sample : status) {
    for (const PoolStatus::Worker& worker : sample.workers) {
      std::uint64_t& requests = before[worker.slot];
      if (worker.requests < requests)
        return fmt::format("requests of slot {} from {} to {}", worker.slot, requests, worker.requests);
      requests = worker.requests;
    }
  }
  return std::nullopt;
}

}  // namespace hydrapool::harness
