#include "harness/observe/pool_watch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <system_error>

#include "harness/fault/injector.h"
#include "harness/fault/process_facts.h"
#include "harness/fault/process_tree.h"
#include "harness/fault/programs.h"
#include "harness/fault/worker_kind.h"
#include "pool/admin/client.h"

namespace hydrapool::harness {
namespace {

sys::Result<std::string> Fetch(const std::string& admin, const std::string& path,
                               std::chrono::milliseconds patience) {
  const auto page = admin::HttpGet(admin, path, patience);
  if (!page) return tl::unexpected(page.error());
  if (page->status != 200) return sys::Failure(fmt::format("{}{}: status {}", admin, path, page->status));
  return page->body;
}

std::optional<std::size_t> OpenDescriptors(pid_t pid) {
  std::error_code error;
  std::size_t count = 0;
  std::filesystem::directory_iterator open(fmt::format("/proc/{}/fd", pid), error);
  for (; !error && open != std::filesystem::directory_iterator(); open.increment(error)) ++count;
  return error ? std::nullopt : std::optional(count);
}

}  // namespace

sys::Result<PoolStatus> FetchStatus(const std::string& admin, std::chrono::milliseconds patience) {
  const auto page = Fetch(admin, "/status.json", patience);
  if (!page) return tl::unexpected(page.error());
  return ParsePoolStatus(*page);
}

sys::Result<PoolFates> FetchFates(const std::string& admin) {
  const auto page = Fetch(admin, "/fates.json", kPatience);
  if (!page) return tl::unexpected(page.error());
  return ParsePoolFates(*page);
}

sys::Result<ServerProcesses> ProcessesNow(const std::string& admin, pid_t main,
                                          std::chrono::milliseconds patience) {
  if (!admin.empty()) {
    const auto status = FetchStatus(admin, patience);
    if (!status) return tl::unexpected(status.error());
    return LivingProcesses(*status);
  }
  const Forks forks = ForksOf(main);
  if (forks.workers.empty() && !forks.others.empty()) {
    return sys::Failure(
        fmt::format("the children of pid {} are of different kinds, and none calls itself a worker: {}", main,
                    TitlesOf(forks.others)));
  }
  return ProcessesOf(main);
}

namespace {

/// A proxy that was started in front is one of them.
std::set<pid_t> WithDescendants(const std::set<pid_t>& heads) {
  std::set<pid_t> all;
  std::vector<pid_t> next(heads.begin(), heads.end());
  while (!next.empty()) {
    const pid_t pid = next.back();
    next.pop_back();
    if (!all.insert(pid).second) continue;
    for (const pid_t child : ChildrenOf(pid)) next.push_back(child);
  }
  return all;
}

void AddCpu(const std::set<pid_t>& heads, const std::vector<ProcessView>& workers, ServerState& state) {
  for (const ProcessView& worker : workers) {
    if (const auto time = CpuTimeOfAll(worker.identity.pid)) state.workers_cpu.push_back(*time);
  }
  state.cpu = 0;
  for (const pid_t pid : WithDescendants(heads)) {
    const auto time = CpuTimeOfAll(pid);
    if (!time && heads.contains(pid)) return state.cpu.reset();
    *state.cpu += time.value_or(0);
  }
}

}  // namespace

std::optional<ServerState> StateNow(const std::string& admin, pid_t main) {
  const auto server = ProcessesNow(admin, main);
  if (!server || server->main() == nullptr) return std::nullopt;
  ServerState state{.workers = server->workers.size(), .unreaped = {}, .descriptors = OpenDescriptors(main)};
  state.main = main;
  std::set<pid_t> heads{main};
  if (server->parent) heads.insert(server->parent->identity.pid);
  for (const pid_t head : heads) {
    for (const pid_t child : ChildrenOf(head)) {
      const auto process = ReadProcess(child);
      if (process && process->parent == head && !process->alive())
        state.unreaped.push_back(process->identity);
    }
  }
  AddCpu(heads, server->workers, state);
  return state;
}

sys::Result<pid_t> MainProcess(pid_t pid, const std::string& admin) {
  if (admin.empty()) {
    if (pid == 0) return sys::Failure("--parent is required, or --admin, which knows it");
    return pid;
  }
  const auto status = FetchStatus(admin);
  if (!status) return tl::unexpected(status.error());
  if (pid != 0 && pid != status->main && pid != status->parent)
    return sys::Failure(
        fmt::format("{} is the admin endpoint of pid {}, not of {}", admin, status->main, pid));
  return status->main;
}

sys::Result<void> CheckServer(const std::string& admin, pid_t main) {
  if (main <= 1) return sys::Failure(fmt::format("--parent {}: not a server's pid", main));
  const auto process = ReadProcess(main);
  if (!process || !process->alive()) return sys::Failure(fmt::format("--parent {}: no such process", main));
  if (ChildrenOf(main).empty()) return sys::Failure(fmt::format("--parent {}: has no children", main));
  const auto server = ProcessesNow(admin, main);
  if (!server) return tl::unexpected(server.error());
  if (server->workers.empty())
    return sys::Failure(fmt::format("--parent {}: none of its children is a worker", main));
  return {};
}

sys::Result<void> CheckVictims(const std::string& admin, pid_t main, bool any_user) {
  if (auto checked = CheckServer(admin, main); !checked) return checked;
  std::vector<pid_t> pids{main};
  if (const auto server = ProcessesNow(admin, main)) {
    for (const ProcessView& worker : server->workers) pids.push_back(worker.identity.pid);
  }
  for (const pid_t pid : pids) {
    if (const auto why = WhyAnotherUsers(pid, any_user))
      return sys::Failure(fmt::format("--parent {}: {}", main, *why));
  }
  return {};
}

sys::Result<void> CheckTarget(const std::string& admin, pid_t main, const Target& target) {
  if (target != Target::kSupervisor && !target.has_slot()) return {};
  const auto server = ProcessesNow(admin, main);
  if (!server) return tl::unexpected(server.error());
  if (target == Target::kSupervisor) {
    if (server->supervisor) return {};
    return sys::Failure(fmt::format("pid {} has no supervisor: it is the parent itself", main));
  }
  int last = -1;
  for (const ProcessView& worker : server->workers) last = std::max(last, worker.slot.value_or(-1));
  if (target.slot > last)
    return sys::Failure(fmt::format("target {}: the last slot is {}", Name(target), last));
  if (target.kind != Target::kCgiOf) return {};
  const auto programs = ProgramsOf(server->workers.front(), *server);
  if (!programs) return sys::Failure(fmt::format("target {}: {}", Name(target), programs.error().message));
  return {};
}

}  // namespace hydrapool::harness
