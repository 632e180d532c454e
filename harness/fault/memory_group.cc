#include "harness/fault/memory_group.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "pool/sys/file.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {
namespace {

namespace fs = std::filesystem;

bool HandsMemoryOn(const fs::path& group) {
  std::istringstream controllers(sys::ReadFile(group / "cgroup.subtree_control"));
  for (std::string name; controllers >> name;) {
    if (name == "memory") return true;
  }
  return false;
}

/// The mount point of cgroup v2 out of /proc/self/mountinfo; empty: there is none.
std::string UnifiedRoot() {
  std::istringstream mounts(sys::ReadFile("/proc/self/mountinfo"));
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" - cgroup2 ") == line.npos) continue;
    std::istringstream words(line);
    std::string id, parent, device, root, point;
    if (words >> id >> parent >> device >> root >> point) return point;
  }
  return "";
}

/// "/user.slice" out of the line "0::/user.slice".
std::string UnifiedPath(const std::string& own) {
  constexpr std::string_view kUnified = "0::";
  std::istringstream lines(own);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kUnified)) return line.substr(kUnified.size());
  }
  return "";
}

sys::Result<void> Write(const std::string& path, const std::string& text) {
  const sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) < 0) return sys::Failure(errno, path);
  return {};
}

}  // namespace

sys::Result<MemoryGroup> MemoryGroup::Of(pid_t pid) {
  const std::string root = UnifiedRoot();
  if (root.empty()) return sys::Failure("oom needs cgroup v2, which is not mounted here");
  return In(root, sys::ReadFile(fmt::format("/proc/{}/cgroup", pid)), pid);
}

sys::Result<MemoryGroup> MemoryGroup::In(const std::string& root, const std::string& own, pid_t pid) {
  const std::string path = UnifiedPath(own);
  if (path.empty()) return sys::Failure(fmt::format("pid {} is gone", pid));
  const fs::path from = root + path;
  for (fs::path group = from; group.native().size() >= root.size(); group = group.parent_path()) {
    const bool writable =
        ::access(group.c_str(), W_OK) == 0 && ::access((group / "cgroup.procs").c_str(), W_OK) == 0;
    if (writable && HandsMemoryOn(group))
      return MemoryGroup(group / fmt::format("harness-oom-{}", pid), from.lexically_normal());
    if (group == group.parent_path()) break;
  }
  return sys::Failure(
      "oom needs a cgroup (v2) above the server that hands the memory controller on and that this user may "
      "write to, as systemd-run -p Delegate=yes makes one; without it address-space is the nearest fault");
}

sys::Result<void> MemoryGroup::Starve(pid_t pid) const {
  if (::mkdir(path_.c_str(), 0755) != 0) return sys::Failure(errno, path_);
  auto done = Write(path_ + "/memory.max", "0");
  if (done) done = Write(path_ + "/memory.swap.max", "0");
  if (!done && done.error().code == ENOENT) done = {};  // a kernel without swap accounting
  if (done) done = Write(path_ + "/cgroup.procs", fmt::to_string(pid));
  if (!done) ::rmdir(path_.c_str());
  return done;
}

bool MemoryGroup::HasKilled() const {
  std::istringstream events(sys::ReadFile(path_ + "/memory.events"));
  std::uint64_t count = 0;
  for (std::string name; events >> name >> count;) {
    if (name == "oom_kill") return count > 0;
  }
  return false;
}

bool MemoryGroup::End() const {
  constexpr int kTimes = 5;
  constexpr useconds_t kPause = 10'000;
  static_cast<void>(Write(path_ + "/memory.max", "max"));
  for (int i = 0; i < kTimes; ++i) {
    if (i > 0) ::usleep(kPause);
    std::istringstream members(sys::ReadFile(path_ + "/cgroup.procs"));
    for (std::string pid; members >> pid;) static_cast<void>(Write(from_ + "/cgroup.procs", pid));
    if (::rmdir(path_.c_str()) == 0 || errno == ENOENT) return true;
  }
  return false;
}

}  // namespace hydrapool::harness
