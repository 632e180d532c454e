#include "harness/fault/worker_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <utility>

#include "harness/fault/process_tree.h"

namespace hydrapool::harness {
namespace {

constexpr std::size_t kMostTitles = 3;

std::string KindOf(const std::string& title) {
  std::string kind;
  std::ranges::copy_if(title, std::back_inserter(kind),
                       [](unsigned char each) { return std::isdigit(each) == 0; });
  return kind;
}

bool SaysWorker(const std::string& title) {
  constexpr std::array<std::string_view, 3> kWords{"worker", "pool", "child"};
  const auto is_letter = [&title](std::size_t at) {
    return at < title.size() && std::isalpha(static_cast<unsigned char>(title[at])) != 0;
  };
  return std::ranges::any_of(kWords, [&](std::string_view word) {
    const auto at = title.find(word);
    return at != title.npos && !is_letter(at - 1) && !is_letter(at + word.size());
  });
}

/// Empty where no kind has most members.
std::string CommonestKind(const std::map<std::string, int>& members) {
  const auto by_members = [](const auto& each) { return each.second; };
  const auto most = std::ranges::max_element(members, {}, by_members);
  const auto as_many =
      std::ranges::count_if(members, [&](const auto& each) { return each.second == most->second; });
  return as_many == 1 ? most->first : "";
}

}  // namespace

Forks TellApart(std::vector<Fork> forks) {
  std::map<std::string, int> members;
  for (const Fork& fork : forks) ++members[KindOf(fork.title)];
  const bool told = members.size() > 1 && std::ranges::any_of(forks, SaysWorker, &Fork::title);
  const std::string commonest = members.empty() ? "" : CommonestKind(members);
  Forks apart;
  for (Fork& fork : forks) {
    const bool is_worker =
        members.size() == 1 ||
        (told ? SaysWorker(fork.title) : !commonest.empty() && KindOf(fork.title) == commonest);
    if (is_worker) {
      apart.workers.push_back(std::move(fork.worker));
    } else {
      apart.others.push_back(std::move(fork));
    }
  }
  return apart;
}

std::string TitlesOf(const std::vector<Fork>& forks) {
  std::string titles;
  for (std::size_t i = 0; i < std::min(forks.size(), kMostTitles); ++i)
    titles += fmt::format("{}pid {} '{}'", i == 0 ? "" : ", ", forks[i].worker.identity.pid, forks[i].title);
  if (forks.size() > kMostTitles) titles += fmt::format(" and {} more", forks.size() - kMostTitles);
  return titles;
}

Forks ForksOf(pid_t parent) {
  const auto parents = ReadProgram(parent);
  if (!parents) return {};
  std::vector<Fork> forks;
  for (const pid_t pid : ChildrenOf(parent)) {
    const auto child = ReadProcess(pid);
    if (!child || !child->alive() || child->parent != parent) continue;
    const auto program = ReadProgram(pid);
    if (program && program->SameAs(*parents))
      forks.push_back({.worker = {.identity = child->identity}, .title = TitleOf(pid)});
  }
  return TellApart(std::move(forks));
}

ServerProcesses ProcessesOf(pid_t parent) {
  ServerProcesses server{.workers = ForksOf(parent).workers};
  const auto process = ReadProcess(parent);
  if (process && process->alive())
    server.parent = ProcessView{.identity = process->identity, .role = Role::kParent};
  return server;
}

}  // namespace hydrapool::harness
