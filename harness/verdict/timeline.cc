#include "harness/verdict/timeline.h"

#include <algorithm>
#include <set>

namespace harness {
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

std::optional<sys::Nanos> GoneAt(const Identity& who, std::span<const FamilySample> family) {
  for (const FamilySample& sample : family) {
    if (std::ranges::find(sample.children, who) == sample.children.end()) return sample.at;
  }
  return std::nullopt;
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
    if (worker == nullptr || worker->pid == victim.identity.pid) {
      if (first != nullptr) timeline.superseded = true;
      continue;
    }
    if (first == nullptr) {
      first = worker;
      const auto seen = SeenAt(worker->pid, family);
      timeline.forked = seen ? std::min(*seen, sample.at) : sample.at;
    }
    if (worker->pid != first->pid) timeline.superseded = true;
    if (timeline.superseded) return;
    if (!timeline.ready && worker->ready) timeline.ready = sample.at;
    if (timeline.ready && worker->requests > first->requests) {
      timeline.first_response = sample.at;
      return;
    }
  }
}

/// The children that were not there at first, in the order in which they came.
struct Newcomer {
  sys::Nanos at;
  Identity identity;
};
std::vector<Newcomer> NewcomersIn(std::span<const FamilySample> family) {
  std::vector<Newcomer> newcomers;
  std::set<std::pair<pid_t, std::uint64_t>> known;
  for (const FamilySample& sample : family) {
    for (const Identity& child : sample.children) {
      const bool is_new = known.emplace(child.pid, child.start_time).second;
      if (is_new && &sample != &family.front()) newcomers.push_back({.at = sample.at, .identity = child});
    }
  }
  return newcomers;
}

}  // namespace

std::vector<Timeline> Reconstruct(std::span<const Victim> victims, std::span<const FamilySample> family,
                                  std::span<const StatusSample> status) {
  std::vector<Timeline> timelines;
  const auto newcomers = NewcomersIn(family);
  auto next = newcomers.begin();
  for (const Victim& victim : victims) {
    Timeline& timeline = timelines.emplace_back();
    timeline.dead = victim.dead;
    if (!victim.dead) continue;
    const auto family_since = From(family, victim.sent);
    timeline.reaped = GoneAt(victim.identity, family_since);
    if (timeline.reaped) timeline.dead = std::min(*timeline.dead, *timeline.reaped);
    if (victim.slot) {
      FollowSlot(victim, family_since, From(status, victim.sent), timeline);
      continue;
    }
    while (next != newcomers.end() && next->at < victim.sent) ++next;
    if (next != newcomers.end()) timeline.forked = (next++)->at;
  }
  return timelines;
}

}  // namespace harness
