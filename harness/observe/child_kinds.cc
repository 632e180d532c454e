#include "harness/observe/child_kinds.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <set>
#include <utility>

#include "harness/fault/worker_kind.h"

namespace hydrapool::harness {

ChildKinds::ChildKinds(pid_t main, Told told) : told_(told), servers_title_(TitleOf(main)) {
  if (auto program = ReadProgram(main)) servers_.push_back(std::move(*program));
}

ChildKinds::TurnedOut ChildKinds::Look(const FamilySample& sample, const std::vector<pid_t>& heads) {
  constexpr unsigned kUntilTitled = 64;
  constexpr unsigned kUntilExecuted = 4;
  const unsigned last_look = told_ == Told::kByTitle ? kUntilTitled : kUntilExecuted;
  TurnedOut turned_out;
  heads_looked_at_ = false;
  for (const Identity& child : sample.children) {
    Seen& seen = seen_[{child.pid, child.start_time}];
    if (seen.other || seen.looks >= last_look) continue;
    if (std::has_single_bit(++seen.looks)) Look(child.pid, seen, heads, turned_out);  // the 1st, 2nd, 4th, …
  }
  return turned_out;
}

void ChildKinds::Look(pid_t child, Seen& seen, const std::vector<pid_t>& heads, TurnedOut& turned_out) {
  const std::string file = ExecutableOf(child);
  const bool by_file = !file.empty() && std::ranges::none_of(servers_, &std::string::empty, &Program::file);
  const auto program = by_file ? Program{.file = file} : ReadProgram(child);
  if (program && !IsTheServers(*program)) {
    LookAtHeads(heads, turned_out);
    if (!IsTheServers(*program)) {
      seen.other = program;
      turned_out.programs.push_back(child);
      return;
    }
  }
  if (told_ == Told::kByStatus) return;
  if (std::string title = TitleOf(child); !title.empty()) seen.title = std::move(title);
}

bool ChildKinds::IsTheServers(const Program& program) const {
  return servers_.empty() ||
         std::ranges::any_of(servers_, [&program](const Program& each) { return each.SameAs(program); });
}

void ChildKinds::LookAtHeads(const std::vector<pid_t>& heads, TurnedOut& turned_out) {
  if (std::exchange(heads_looked_at_, true)) return;
  const std::size_t before = servers_.size();
  for (const pid_t head : heads) {
    const std::string file = ExecutableOf(head);
    if (!file.empty() && std::ranges::find(servers_, file, &Program::file) != servers_.end()) continue;
    auto program = ReadProgram(head);
    if (program && (servers_.empty() || !IsTheServers(*program))) servers_.push_back(std::move(*program));
  }
  if (servers_.size() == before) return;
  for (auto& [key, seen] : seen_) {
    if (!seen.other || !IsTheServers(*seen.other)) continue;
    seen.other.reset();
    turned_out.forks_after_all.push_back(key.first);
  }
}

bool ChildKinds::IsAProgram(pid_t pid) const {
  const auto next = seen_.lower_bound({pid + 1, 0});
  if (next == seen_.begin()) return false;
  const auto& [key, seen] = *std::prev(next);
  return key.first == pid && seen.other;
}

void ChildKinds::KeepWorkers(std::vector<FamilySample>& samples) const {
  std::set<Key> others;
  std::vector<Fork> titled;
  for (const auto& [key, seen] : seen_) {
    if (seen.other) others.insert(key);
    const bool told = !seen.title.empty() && seen.title != servers_title_;
    if (!seen.other && told)
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
