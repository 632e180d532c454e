#include "harness/fault/victim_group.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "harness/fault/process_facts.h"
#include "pool/sys/file.h"
#include "pool/sys/oom_kills.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {
namespace {

namespace fs = std::filesystem;

struct Words {
  Scarce what;
  Fault fault;
  std::string_view controller;
  std::string_view nearest;  ///< What can be done without it.
};
constexpr std::array<Words, 3> kWords{{
    {Scarce::kMemory, Fault::kOom, "memory", "; without it address-space is the nearest fault"},
    {Scarce::kProcesses, Fault::kProcesses, "pids", ""},
    {Scarce::kCpu, Fault::kThrottle, "cpu", "; without it cpu is the nearest fault"},
}};
const Words& WordsOf(Scarce what) { return *std::ranges::find(kWords, what, &Words::what); }

/// The files of a group.
struct Files {
  const char* limit;
  const char* scarce;
  const char* unlimited;
  const char* swap = "";  ///< Which has a limit of its own; "": there is none.
  const char* events = "";
};
constexpr Files kMemory1{"memory.limit_in_bytes", "0", "-1", "memory.memsw.limit_in_bytes",
                         "memory.oom_control"};
constexpr Files kMemory2{"memory.max", "0", "max", "memory.swap.max", "memory.events"};
constexpr Files kPids{"pids.max", "0", "max"};
constexpr Files kCpu1{"cpu.cfs_quota_us", "5000", "-1"};
constexpr Files kCpu2{"cpu.max", "5000", "max"};

const Files& FilesOf(Scarce what, const fs::path& group) {
  switch (what) {
    case Scarce::kMemory:
      return fs::exists(group / kMemory1.limit) ? kMemory1 : kMemory2;
    case Scarce::kProcesses:
      return kPids;
    case Scarce::kCpu:
      return fs::exists(group / kCpu1.limit) ? kCpu1 : kCpu2;
  }
  std::abort();
}

bool HasWord(const std::string& text, std::string_view wanted) {
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word == wanted) return true;
  }
  return false;
}

bool HasController(std::string_view list, std::string_view name) {
  return ("," + std::string(list) + ",").find("," + std::string(name) + ",") != std::string::npos;
}

bool HandsOn(const CgroupMount& mount, const fs::path& group, std::string_view controller) {
  return mount.version == 1 || HasWord(sys::ReadFile(group / "cgroup.subtree_control"), controller);
}

/// "/user.slice" out of a process's line "4:memory:/user.slice", or "0::/user.slice" of version 2. Empty: it
/// has none.
std::string PathIn(const std::string& own, int version, std::string_view controller) {
  std::istringstream lines(own);
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (version == 1 ? HasController(controllers, controller) : controllers.empty())
      return line.substr(second + 1);
  }
  return "";
}

/// Where the cgroup `path` stands; nullopt: not below this mount.
std::optional<fs::path> PlaceOf(const CgroupMount& mount, const std::string& path) {
  std::string below = path;
  if (mount.root != "/") {
    if (path != mount.root && !path.starts_with(mount.root + "/")) return std::nullopt;
    below = path.substr(mount.root.size());
  }
  const fs::path place = fs::path(mount.point + below).lexically_normal();
  if (!fs::exists(place)) return std::nullopt;
  return place.has_filename() ? place : place.parent_path();
}

sys::Result<void> Write(const std::string& path, const std::string& text) {
  const sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) < 0) return sys::Failure(errno, path);
  return {};
}

}  // namespace

std::optional<CgroupMount> MountOf(Scarce what, const std::string& mountinfo) {
  std::istringstream mounts(mountinfo);
  std::optional<CgroupMount> unified;
  for (std::string line; std::getline(mounts, line);) {
    const auto dash = line.find(" - cgroup");
    if (dash == line.npos) continue;
    std::istringstream words(line);
    std::string id, parent, device;
    CgroupMount mount;
    if (!(words >> id >> parent >> device >> mount.root >> mount.point)) continue;
    if (line.compare(dash, 11, " - cgroup2 ") == 0) {
      unified = mount;
    } else if (HasController(line.substr(line.rfind(' ') + 1), WordsOf(what).controller)) {
      mount.version = 1;
      return mount;
    }
  }
  return unified;
}

sys::Result<VictimGroup> VictimGroup::Of(Scarce what, pid_t pid) {
  const auto mount = MountOf(what, sys::ReadFile("/proc/self/mountinfo"));
  if (!mount)
    return sys::Failure(fmt::format("{} needs cgroups with a {} controller, and none is mounted here",
                                    Name(WordsOf(what).fault), WordsOf(what).controller));
  return In(what, *mount, sys::ReadFile(fmt::format("/proc/{}/cgroup", pid)), pid);
}

sys::Result<VictimGroup> VictimGroup::In(Scarce what, const CgroupMount& mount, const std::string& own,
                                         pid_t pid) {
  const Words& words = WordsOf(what);
  const std::string path = PathIn(own, mount.version, words.controller);
  if (path.empty()) return sys::Failure(fmt::format("pid {} is gone", pid));
  for (const Words& each : kWords) {
    if (path.find(fmt::format("/harness-{}-", Name(each.fault))) != path.npos)
      return sys::Failure(fmt::format("pid {} is held in {} already", pid, path));
  }
  const auto from = PlaceOf(mount, path);
  if (!from)
    return sys::Failure(
        fmt::format("{}: the cgroup of pid {} ({}) cannot be seen from here", Name(words.fault), pid, path));
  for (fs::path group = *from; group.native().size() >= mount.point.size(); group = group.parent_path()) {
    const bool writable =
        ::access(group.c_str(), W_OK) == 0 && ::access((group / "cgroup.procs").c_str(), W_OK) == 0;
    if (writable && HandsOn(mount, group, words.controller))
      return VictimGroup(what, group / fmt::format("harness-{}-{}-{}", Name(words.fault), pid, ::getpid()),
                         *from);
    if (group == group.parent_path()) break;
  }
  return sys::Failure(fmt::format(
      "{} needs a cgroup above the server that hands the {} controller on and that this user may write to, "
      "as systemd-run -p Delegate=yes makes one{}",
      Name(words.fault), words.controller, words.nearest));
}

sys::Result<void> VictimGroup::Take(pid_t pid) const {
  if (::mkdir(path_.c_str(), 0755) != 0) return sys::Failure(errno, path_);
  const Files& files = FilesOf(what_, path_);
  auto done = Write(path_ + "/" + files.limit, files.scarce);
  if (done && *files.swap != '\0') {
    done = Write(path_ + "/" + files.swap, files.scarce);
    if (!done && done.error().code == ENOENT) done = {};  // a kernel without swap accounting
  }
  if (done) done = Write(path_ + "/cgroup.procs", fmt::to_string(pid));
  if (!done) ::rmdir(path_.c_str());
  return done;
}

bool VictimGroup::HasKilled() const {
  return sys::ParseOomKills(sys::ReadFile(path_ + "/" + FilesOf(what_, path_).events)) > 0;
}

bool VictimGroup::HoldsBack(pid_t pid) const {
  const Files& files = FilesOf(what_, path_);
  return sys::ReadFile(path_ + "/" + files.limit).starts_with(files.scarce) &&
         HasWord(sys::ReadFile(path_ + "/cgroup.procs"), fmt::to_string(pid));
}

bool VictimGroup::End() const {
  constexpr int kTimes = 5;
  constexpr useconds_t kPause = 10'000;
  const Files& files = FilesOf(what_, path_);
  if (*files.swap != '\0')  // first: it includes the other
    static_cast<void>(Write(path_ + "/" + files.swap, files.unlimited));
  static_cast<void>(Write(path_ + "/" + files.limit, files.unlimited));
  for (int i = 0; i < kTimes; ++i) {
    if (i > 0) ::usleep(kPause);
    std::istringstream members(sys::ReadFile(path_ + "/cgroup.procs"));
    for (std::string pid; members >> pid;) static_cast<void>(Write(from_ + "/cgroup.procs", pid));
    if (::rmdir(path_.c_str()) == 0 || errno == ENOENT) return true;
  }
  return false;
}

std::optional<Scarce> ScarceBy(Fault fault) {
  const auto found = std::ranges::find(kWords, fault, &Words::fault);
  return found == kWords.end() ? std::nullopt : std::optional(found->what);
}

std::optional<std::string> WhyNoGroup(Fault fault, pid_t pid) {
  const auto what = ScarceBy(fault);
  if (!what) return std::nullopt;
  const auto group = VictimGroup::Of(*what, pid);
  const bool has_other_means = fault == Fault::kProcesses && !CanExceedLimits(pid);
  return group || has_other_means ? std::nullopt : std::optional(group.error().message);
}

}  // namespace hydrapool::harness
