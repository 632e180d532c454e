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
#include "pool/sys/oom_kills.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {
namespace {

namespace fs = std::filesystem;

/// The files of a version of cgroups.
struct Names {
  const char* limit;
  const char* swap_limit;
  const char* unlimited;
  const char* events;
};
constexpr Names kFirst{"memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "-1", "memory.oom_control"};
constexpr Names kSecond{"memory.max", "memory.swap.max", "max", "memory.events"};

/// Of what stands at `group`, or may be made there.
const Names& NamesAt(const fs::path& group) {
  return fs::exists(group.parent_path() / kFirst.limit) ? kFirst : kSecond;
}

bool HandsMemoryOn(const fs::path& group) {
  if (fs::exists(group / kFirst.limit)) return true;
  std::istringstream controllers(sys::ReadFile(group / "cgroup.subtree_control"));
  for (std::string name; controllers >> name;) {
    if (name == "memory") return true;
  }
  return false;
}

bool HasController(std::string_view list, std::string_view name) {
  return ("," + std::string(list) + ",").find("," + std::string(name) + ",") != std::string::npos;
}

/// Where the memory controller is mounted, out of /proc/self/mountinfo: in a hierarchy of version 1, or in
/// that of version 2. Empty: nowhere.
std::string MountPoint() {
  std::istringstream mounts(sys::ReadFile("/proc/self/mountinfo"));
  std::string unified;
  for (std::string line; std::getline(mounts, line);) {
    const auto dash = line.find(" - cgroup");
    if (dash == line.npos) continue;
    std::istringstream words(line);
    std::string id, parent, device, root, point;
    if (!(words >> id >> parent >> device >> root >> point)) continue;
    if (HasController(line.substr(line.rfind(' ') + 1), "memory")) return point;
    if (line.find(" - cgroup2 ") != line.npos) unified = point;
  }
  return unified;
}

/// "/user.slice" out of a process's line "4:memory:/user.slice", or "0::/user.slice" where there is no such.
std::string PathIn(const std::string& own) {
  std::istringstream lines(own);
  std::string unified;
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (HasController(controllers, "memory")) return line.substr(second + 1);
    if (controllers.empty()) unified = line.substr(second + 1);
  }
  return unified;
}

sys::Result<void> Write(const std::string& path, const std::string& text) {
  const sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) < 0) return sys::Failure(errno, path);
  return {};
}

}  // namespace

sys::Result<MemoryGroup> MemoryGroup::Of(pid_t pid) {
  const std::string root = MountPoint();
  if (root.empty())
    return sys::Failure("oom needs cgroups with a memory controller, and none is mounted here");
  return In(root, sys::ReadFile(fmt::format("/proc/{}/cgroup", pid)), pid);
}

sys::Result<MemoryGroup> MemoryGroup::In(const std::string& root, const std::string& own, pid_t pid) {
  const std::string path = PathIn(own);
  if (path.empty()) return sys::Failure(fmt::format("pid {} is gone", pid));
  const fs::path from = root + path;
  if (!fs::exists(from))
    return sys::Failure(fmt::format("oom: the cgroup of pid {} ({}) cannot be seen from here", pid, path));
  for (fs::path group = from; group.native().size() >= root.size(); group = group.parent_path()) {
    const bool writable =
        ::access(group.c_str(), W_OK) == 0 && ::access((group / "cgroup.procs").c_str(), W_OK) == 0;
    if (writable && HandsMemoryOn(group))
      return MemoryGroup(group / fmt::format("harness-oom-{}-{}", pid, ::getpid()), from.lexically_normal());
    if (group == group.parent_path()) break;
  }
  return sys::Failure(
      "oom needs a cgroup above the server that hands the memory controller on and that this user may "
      "write to, as systemd-run -p Delegate=yes makes one; without it address-space is the nearest fault");
}

sys::Result<void> MemoryGroup::Starve(pid_t pid) const {
  if (::mkdir(path_.c_str(), 0755) != 0) return sys::Failure(errno, path_);
  const Names& names = NamesAt(path_);
  auto done = Write(path_ + "/" + names.limit, "0");
  if (done) done = Write(path_ + "/" + names.swap_limit, "0");
  if (!done && done.error().code == ENOENT) done = {};  // a kernel without swap accounting
  if (done) done = Write(path_ + "/cgroup.procs", fmt::to_string(pid));
  if (!done) ::rmdir(path_.c_str());
  return done;
}

bool MemoryGroup::HasKilled() const {
  return sys::ParseOomKills(sys::ReadFile(path_ + "/" + NamesAt(path_).events)) > 0;
}

bool MemoryGroup::End() const {
  constexpr int kTimes = 5;
  constexpr useconds_t kPause = 10'000;
  const Names& names = NamesAt(path_);
  static_cast<void>(Write(path_ + "/" + names.swap_limit, names.unlimited));  // first: it includes the other
  static_cast<void>(Write(path_ + "/" + names.limit, names.unlimited));
  for (int i = 0; i < kTimes; ++i) {
    if (i > 0) ::usleep(kPause);
    std::istringstream members(sys::ReadFile(path_ + "/cgroup.procs"));
    for (std::string pid; members >> pid;) static_cast<void>(Write(from_ + "/cgroup.procs", pid));
    if (::rmdir(path_.c_str()) == 0 || errno == ENOENT) return true;
  }
  return false;
}

}  // namespace hydrapool::harness
