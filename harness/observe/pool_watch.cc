#include "harness/observe/pool_watch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>

#include "harness/fault/injector.h"
#include "harness/fault/process_tree.h"
#include "harness/fault/worker_kind.h"
#include "pool/admin/client.h"

namespace hydrapool::harness {
namespace {

sys::Result<std::string> Fetch(const std::string& admin, const std::string& path) {
  const auto page = admin::HttpGet(admin, path, std::chrono::seconds(2));
  if (!page) return tl::unexpected(page.error());
  if (page->status != 200) return sys::Failure(fmt::format("{}{}: status {}", admin, path, page->status));
  return page->body;
}

}  // namespace

sys::Result<PoolStatus> FetchStatus(const std::string& admin) {
  const auto page = Fetch(admin, "/status.json");
  if (!page) return tl::unexpected(page.error());
  return ParsePoolStatus(*page);
}

sys::Result<std::vector<WorkerView>> WorkersByStatus(const std::string& admin, pid_t parent) {
  const auto status = FetchStatus(admin);
  if (!status) return tl::unexpected(status.error());
  if (status->main != parent && status->parent != parent) {
    return sys::Failure(
        fmt::format("{} is the admin endpoint of pid {}, not of {}", admin, status->main, parent));
  }
  return LivingWorkers(*status, parent);
}

sys::Result<PoolFates> FetchFates(const std::string& admin) {
  const auto page = Fetch(admin, "/fates.json");
  if (!page) return tl::unexpected(page.error());
  return ParsePoolFates(*page);
}

sys::Result<pid_t> ParentOr(pid_t parent, const std::string& admin) {
  if (parent != 0) return parent;
  if (admin.empty()) return sys::Failure("--parent is required, or --admin, which knows it");
  const auto status = FetchStatus(admin);
  if (!status) return tl::unexpected(status.error());
  return status->main;
}

pid_t WorkersParent(pid_t parent, const std::string& admin) {
  if (admin.empty()) return parent;
  const auto status = FetchStatus(admin);
  return status && status->main == parent ? status->parent : parent;
}

sys::Result<std::vector<WorkerView>> WorkersNow(const std::string& admin, pid_t parent) {
  if (!admin.empty()) return WorkersByStatus(admin, parent);
  Forks forks = ForksOf(parent);
  if (forks.workers.empty() && !forks.others.empty()) {
    return sys::Failure(
        fmt::format("the children of pid {} are of different kinds, and none calls itself a worker: {}",
                    parent, TitlesOf(forks.others)));
  }
  return std::move(forks.workers);
}

sys::Result<void> CheckServer(const std::string& admin, pid_t parent) {
  if (parent <= 1) return sys::Failure(fmt::format("--parent {}: not a server's pid", parent));
  const auto process = ReadProcess(parent);
  if (!process || !process->alive()) return sys::Failure(fmt::format("--parent {}: no such process", parent));
  if (ChildrenOf(parent).empty()) return sys::Failure(fmt::format("--parent {}: has no children", parent));
  const auto workers = WorkersNow(admin, parent);
  if (!workers) return tl::unexpected(workers.error());
  if (workers->empty())
    return sys::Failure(fmt::format("--parent {}: none of its children is a worker", parent));
  return {};
}

sys::Result<void> CheckVictims(const std::string& admin, pid_t parent, bool any_user) {
  if (auto checked = CheckServer(admin, parent); !checked) return checked;
  std::vector<pid_t> pids{parent};
  if (const auto workers = WorkersNow(admin, parent)) {
    for (const WorkerView& worker : *workers) pids.push_back(worker.identity.pid);
  }
  for (const pid_t pid : pids) {
    if (const auto why = WhyAnotherUsers(pid, any_user))
      return sys::Failure(fmt::format("--parent {}: {}", parent, *why));
  }
  return {};
}

}  // namespace hydrapool::harness
