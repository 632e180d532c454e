#include "pool/sys/descendants.h"

#include <fmt/format.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <system_error>

#include "pool/sys/child.h"
#include "pool/sys/file.h"

namespace hydrapool::sys {
namespace {

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  std::error_code error;
  std::filesystem::directory_iterator task(fmt::format("/proc/{}/task", parent), error);
  for (; !error && task != std::filesystem::directory_iterator(); task.increment(error)) {
    std::istringstream numbers(ReadFile(task->path() / "children"));
    for (pid_t child; numbers >> child;) children.push_back(child);
  }
  return children;
}

}  // namespace

pid_t ParentOf(pid_t pid) {
  const std::string stat = ReadFile(fmt::format("/proc/{}/stat", pid));
  const auto name_end = stat.rfind(')');
  if (name_end == stat.npos) return 0;
  std::istringstream rest(stat.substr(name_end + 1));
  char state;
  pid_t parent = 0;
  rest >> state >> parent;
  return parent;
}

std::vector<FoundProcess> Descendants(pid_t root, std::size_t most) {
  std::vector<FoundProcess> found;
  pid_t parent = root;
  for (std::size_t next = 0;; parent = found[next++].pid) {
    for (const pid_t child : ChildrenOf(parent)) {
      if (found.size() == most) return found;
      UniqueFd pidfd = OpenPidfd(child);
      // What has the number now, for as long as the pidfd is held, must be what was found.
      if (pidfd && ParentOf(child) == parent) found.push_back({child, std::move(pidfd)});
    }
    if (next == found.size()) return found;
  }
}

}  // namespace hydrapool::sys
