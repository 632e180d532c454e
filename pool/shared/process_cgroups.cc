#include "pool/shared/process_cgroups.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

#include "pool/sys/clone.h"
#include "pool/sys/file.h"
#include "pool/sys/oom_kills.h"

namespace hydrapool {
namespace {

constexpr std::string_view kProgram = "program-";
constexpr mode_t kMode = 0755;
constexpr int kTries = 500;  // of removing what has been killed and is not gone
constexpr int kPauseMillis = 10;

/// 0 or an errno.
int Write(const std::string& path, std::string_view text) {
  const sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file ? sys::WriteAll(file.get(), text) : errno;
}

bool HasWord(const std::string& path, std::string_view wanted) {
  std::istringstream words(sys::ReadFile(path));
  for (std::string word; words >> word;) {
    if (word == wanted) return true;
  }
  return false;
}

/// The file of that name is the one that is open.
bool Same(int fd, const std::string& path) {
  struct stat open {};
  struct stat named {};
  return ::fstat(fd, &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
         open.st_ino == named.st_ino;
}

/// With all cgroups below it. False: something runs there.
bool Remove(const std::string& path) {
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return true;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->is_directory(error)) Remove(entry->path());
  }
  return ::rmdir(path.c_str()) == 0;
}

bool KillAndRemove(const std::string& path) {
  if (Remove(path)) return true;
  Write(path + "/cgroup.kill", "1");
  return Remove(path);
}

/// nullopt: no program's. One without a tenancy is of an earlier version of the server.
std::optional<CgroupName> ParseName(std::string_view text) {
  if (!text.starts_with(kProgram)) return std::nullopt;
  CgroupName name;
  const char* const end = text.data() + text.size();
  auto read = std::from_chars(text.data() + kProgram.size(), end, name.place);
  if (read.ec == std::errc() && read.ptr != end && *read.ptr == '.')
    read = std::from_chars(read.ptr + 1, end, name.tenancy);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return name;
}

std::string Number(const std::optional<std::uint64_t>& limit) {
  return limit ? std::to_string(*limit) : "max";
}

ProcessCgroups*& Global() {
  static ProcessCgroups* of_pool = nullptr;  // for as long as the process
  return of_pool;
}

// On a stack and in a process that the sanitizers do not know.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) int EndAtOnce(void*) { ::_exit(0); }

/// Starts a process in a cgroup that ends at once.
sys::Result<void> StartIn(int cgroup) {
  constexpr std::size_t kStack = 16 * 1024;
  alignas(16) std::array<char, kStack> stack{};
  int pidfd = -1;
  const pid_t pid = sys::CloneClearingHandlers(&EndAtOnce, nullptr, stack.data(), stack.size(),
                                               CLONE_VM | CLONE_VFORK, &pidfd, cgroup);
  if (pid < 0) return sys::Failure(errno, "clone3");
  const sys::UniqueFd held(pidfd);
  int status = 0;
  ::waitpid(pid, &status, 0);
  // Linux from 6.14 does so where somebody has written to cgroup.kill of the cgroup that this process is in.
  if (WIFSIGNALED(status)) return sys::Failure("it is killed at its birth");
  return {};
}

}  // namespace

ProcessCgroups::ProcessCgroups(std::string directory, Controllers wanted)
    : directory_(std::move(directory)), wanted_(wanted) {}

const ProcessCgroups* ProcessCgroups::OfPool() { return Global(); }
void ProcessCgroups::SetOfPool(ProcessCgroups cgroups) { Global() = new ProcessCgroups(std::move(cgroups)); }

std::string ProcessCgroups::PathOf(const CgroupName& name) const {
  return fmt::format("{}/{}{}.{}", directory_, kProgram, name.place, name.tenancy);
}

sys::Result<void> ProcessCgroups::Check() const {
  struct statfs system {};
  if (::statfs(directory_.c_str(), &system) != 0) return sys::Failure(errno, directory_);
  if (system.f_type != CGROUP2_SUPER_MAGIC) return sys::Failure(directory_ + ": no cgroup of version 2");
  for (const auto& [wanted, name] : {std::pair(wanted_.memory, "memory"), std::pair(wanted_.tasks, "pids")}) {
    if (wanted && !HasWord(directory_ + "/cgroup.controllers", name))
      return sys::Failure(
          fmt::format("{}: it has no controller '{}' (cgroup.controllers)", directory_, name));
  }
  for (const char* file : {"", "/cgroup.procs", "/cgroup.subtree_control"}) {
    const std::string path = directory_ + file;
    if (::access(path.c_str(), W_OK) != 0) return sys::Failure(errno, path);
  }
  return {};
}

sys::Result<void> ProcessCgroups::Delegate() const {
  const std::string own = std::to_string(::getpid());
  if (HasWord(directory_ + "/cgroup.procs", own)) {
    const std::string server = directory_ + "/server";
    if (::mkdir(server.c_str(), kMode) != 0 && errno != EEXIST) return sys::Failure(errno, server);
    if (const int error = Write(server + "/cgroup.procs", own); error != 0)
      return sys::Failure(error, server + "/cgroup.procs");
  }
  const std::string file = directory_ + "/cgroup.subtree_control";
  for (const auto& [wanted, name] : {std::pair(wanted_.memory, "memory"), std::pair(wanted_.tasks, "pids")}) {
    if (!wanted || HasWord(file, name)) continue;
    const int error = Write(file, std::string("+") + name);
    if (error == EBUSY) return sys::Failure(file + ": other processes are in " + directory_ + " itself");
    if (error != 0) return sys::Failure(error, file);
  }
  return {};
}

sys::Result<void> ProcessCgroups::Try() const {
  const auto cgroup = Enter({}, {});
  if (!cgroup) return tl::unexpected(cgroup.error());
  const auto started = StartIn(cgroup->get());
  static_cast<void>(End({}));
  if (!started)
    return sys::Failure(fmt::format("start a program in {}: {}", PathOf({}), started.error().message));
  return {};
}

std::string ProcessCgroups::PathOfLock() const { return directory_ + "/lock"; }

sys::Result<void> ProcessCgroups::TakeLock() {
  const std::string file = PathOfLock() + "/cgroup.kill";
  if (::mkdir(PathOfLock().c_str(), kMode) != 0 && errno != EEXIST) return sys::Failure(errno, PathOfLock());
  lock_.Reset(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!lock_) return sys::Failure(errno, file);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0 || !Same(lock_.get(), file))
    return sys::Failure(directory_ + ": another server has it");
  return {};
}

sys::Result<void> ProcessCgroups::Take(sys::UniqueFd inherited) {
  if (auto good = Check(); !good) return good;
  if (inherited) {
    if (!Same(inherited.get(), PathOfLock() + "/cgroup.kill"))
      return sys::Failure(directory_ + ": another directory for cgroups takes a new start");
    lock_ = std::move(inherited);
    return Delegate();
  }
  if (auto locked = TakeLock(); !locked) return locked;
  if (auto done = Delegate(); !done) return done;
  if (!RemoveAll())
    return sys::Failure(directory_ + ": what an earlier server has left there cannot be ended and removed");
  return Try();
}

bool ProcessCgroups::RemoveAll() const {
  for (int left = kTries;; --left) {
    const bool gone = EndAll([](const CgroupName&) { return true; });
    if (gone || left == 0) return gone;
    ::poll(nullptr, 0, kPauseMillis);
  }
}

void ProcessCgroups::Leave() const {
  static_cast<void>(RemoveAll());
  ::rmdir(PathOfLock().c_str());
}

sys::Result<sys::UniqueFd> ProcessCgroups::Enter(const CgroupName& name, const CgroupLimits& limits) const {
  const std::string path = PathOf(name);
  if (::mkdir(path.c_str(), kMode) != 0 && errno != EEXIST) return sys::Failure(errno, path);
  sys::UniqueFd cgroup(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!cgroup) return sys::Failure(errno, path);
  struct Setting {
    bool wanted;
    const char* file;
    std::string value;
  };
  for (const Setting& each : {Setting{wanted_.memory, "/memory.max", Number(limits.memory_max)},
                              Setting{wanted_.memory, "/memory.oom.group", "1"},
                              Setting{wanted_.tasks, "/pids.max", Number(limits.tasks_max)}}) {
    const int error = each.wanted ? Write(path + each.file, each.value) : 0;
    if (error != 0) return sys::Failure(error, path + each.file);
  }
  return cgroup;
}

bool ProcessCgroups::End(const CgroupName& name) const { return KillAndRemove(PathOf(name)); }

bool ProcessCgroups::EndAll(const std::function<bool(const CgroupName&)>& over) const {
  bool gone = true;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory_, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const auto name = ParseName(entry->path().filename().string());
    if (name && over(*name) && !KillAndRemove(entry->path())) gone = false;
  }
  return gone && !error;
}

std::uint64_t ProcessCgroups::OutOfMemory(const CgroupName& name) const {
  return wanted_.memory ? sys::ParseOomKills(sys::ReadFile(PathOf(name) + "/memory.events")) : 0;
}

}  // namespace hydrapool
