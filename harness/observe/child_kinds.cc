#include "harness/observe/child_kinds.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <set>

#include "harness/fault/worker_kind.h"

namespace hydrapool::harness {

ChildKinds::ChildKinds(pid_t parent, unsigned last_look)
    : parents_(ReadProgram(parent)), parents_title_(TitleOf(parent)), last_look_(last_look) {}

std::vector<pid_t> ChildKinds::Look(const FamilySample& sample) {
  std::vector<pid_t> programs;
  for (const Identity& child : sample.children) {
    Seen& seen = seen_[{child.pid, child.start_time}];
    if (!seen.same_program || seen.looks >= last_look_) continue;
    if (std::has_single_bit(++seen.looks)) Look(child, seen);  // the 1st, 2nd, 4th, …
    if (!seen.same_program) programs.push_back(child.pid);
  }
  return programs;
}

void ChildKinds::Look(const Identity& child, Seen& seen) const {
  const auto program = ReadProgram(child.pid);
  if (program && parents_) seen.same_program = program->SameAs(*parents_);
  if (!seen.same_program) return;
  if (std::string title = TitleOf(child.pid); !title.empty()) seen.title = std::move(title);
}

bool ChildKinds::IsAProgram(pid_t pid) const {
  const auto next = seen_.lower_bound({pid + 1, 0});
  if (next == seen_.begin()) return false;
  const auto& [key, seen] = *std::prev(next);
  return key.first == pid && !seen.same_program;
}

void ChildKinds::KeepWorkers(std::vector<FamilySample>& samples) const {
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

}  // namespace hydrapool::harness
