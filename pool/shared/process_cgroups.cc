#include "pool/shared/process_cgroups.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "pool/sys/child.h"
#include "pool/sys/clone.h"
#include "pool/sys/file.h"
#include "pool/sys/oom_kills.h"

namespace hydrapool {
namespace {

constexpr const char* kProgram = "program-";
constexpr mode_t kMode = 0755;
constexpr int kTries = 500;  // of removing what has been killed and is not gone
constexpr int kPauseMillis = 10;
constexpr int kPasses = 100;

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

/// In a cgroup and all below it.
void AppendProcesses(const std::string& path, std::vector<pid_t>& processes) {
  std::istringstream numbers(sys::ReadFile(path + "/cgroup.procs"));
  for (pid_t pid; numbers >> pid;) {
    if (pid > 0) processes.push_back(pid);  // 0: of another pid namespace
  }
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->is_directory(error)) AppendProcesses(entry->path(), processes);
  }
}

// Who is to be killed starts no others: so when none is seen that was not seen before, that is all of them.
// Not by cgroup.kill, for the cgroup is used again: Linux 6.14 to 6.18 at least then also kill whatever is
// started in it by CLONE_INTO_CGROUP, ever after.
void KillAllIn(const std::string& path) {
  std::set<pid_t> killed;
  for (int pass = 0; pass < kPasses; ++pass) {
    std::vector<pid_t> seen;
    AppendProcesses(path, seen);
    std::vector<std::pair<pid_t, sys::UniqueFd>> held;
    for (const pid_t pid : seen) held.emplace_back(pid, sys::OpenPidfd(pid));
    seen.clear();
    AppendProcesses(path, seen);  // what is there now is what is held, and not another with that number
    bool more = false;
    for (const auto& [pid, held_by] : held) {
      if (std::ranges::find(seen, pid) == seen.end()) continue;
      if (held_by) {
        sys::SignalPidfd(held_by.get(), SIGKILL);
      } else {
        ::kill(pid, SIGKILL);
      }
      more = killed.insert(pid).second || more;
    }
    if (!more) return;
  }
  Write(path + "/cgroup.kill", "1");  // they start others faster than they are seen
}

/// With all cgroups below it.
bool Remove(const std::string& path) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->is_directory(error)) Remove(entry->path());
  }
  return ::rmdir(path.c_str()) == 0;
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

/// Starts a process in a cgroup that ends at once. 0 or an errno.
int StartIn(int cgroup) {
  constexpr std::size_t kStack = 16 * 1024;
  alignas(16) std::array<char, kStack> stack{};
  int pidfd = -1;
  const pid_t pid = sys::CloneClearingHandlers(&EndAtOnce, nullptr, stack.data(), stack.size(),
                                               CLONE_VM | CLONE_VFORK, &pidfd, cgroup);
  if (pid < 0) return errno;
  const sys::UniqueFd held(pidfd);
  ::waitpid(pid, nullptr, 0);
  return 0;
}

}  // namespace

ProcessCgroups::ProcessCgroups(std::string directory, Controllers wanted)
    : directory_(std::move(directory)), wanted_(wanted) {}

const ProcessCgroups* ProcessCgroups::OfPool() { return Global(); }
void ProcessCgroups::SetOfPool(ProcessCgroups cgroups) { Global() = new ProcessCgroups(std::move(cgroups)); }

std::string ProcessCgroups::Of(std::size_t place) const {
  return fmt::format("{}/{}{}", directory_, kProgram, place);
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
  const std::string path = Of(0);
  const auto cgroup = Enter(0, {});
  if (!cgroup) return tl::unexpected(cgroup.error());
  if (::access((path + "/cgroup.kill").c_str(), W_OK) != 0) return sys::Failure(errno, path + "/cgroup.kill");
  if (const int error = StartIn(cgroup->get()); error != 0)
    return sys::Failure(error, "start a program in " + path);
  return {};
}

sys::Result<void> ProcessCgroups::Take(sys::UniqueFd inherited) {
  if (auto good = Check(); !good) return good;
  if (inherited) {
    struct stat held {};
    struct stat named {};
    if (::fstat(inherited.get(), &held) != 0 || ::stat(directory_.c_str(), &named) != 0 ||
        held.st_ino != named.st_ino)
      return sys::Failure(directory_ + ": another directory for cgroups takes a new start");
    lock_ = std::move(inherited);
    return Delegate();
  }
  lock_.Reset(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock_) return sys::Failure(errno, directory_);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0)
    return sys::Failure(directory_ + ": another server has it");
  if (auto done = Delegate(); !done) return done;
  if (!RemoveAll())
    return sys::Failure(directory_ + ": what an earlier server has left there cannot be ended and removed");
  return Try();
}

bool ProcessCgroups::RemoveAll() const {
  for (int left = kTries;; --left) {
    bool empty = true;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(directory_, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      const std::string path = entry->path();
      if (!entry->path().filename().string().starts_with(kProgram)) continue;
      if (Remove(path)) continue;
      empty = false;
      Write(path + "/cgroup.kill", "1");
    }
    if (empty || left == 0) return empty;
    ::poll(nullptr, 0, kPauseMillis);
  }
}

void ProcessCgroups::Leave() const { static_cast<void>(RemoveAll()); }

sys::Result<sys::UniqueFd> ProcessCgroups::Enter(std::size_t place, const CgroupLimits& limits) const {
  const std::string path = Of(place);
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  sys::UniqueFd cgroup(::open(path.c_str(), kFlags));
  if (!cgroup && errno == ENOENT && ::mkdir(path.c_str(), kMode) == 0)
    cgroup.Reset(::open(path.c_str(), kFlags));
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

void ProcessCgroups::End(std::size_t place) const {
  const std::string path = Of(place);
  constexpr std::string_view kPopulated = "populated 1";
  if (sys::ReadFile(path + "/cgroup.events").find(kPopulated) != std::string::npos) KillAllIn(path);
}

bool ProcessCgroups::Renew(std::size_t place) const { return Remove(Of(place)); }

std::uint64_t ProcessCgroups::OutOfMemory(std::size_t place) const {
  return wanted_.memory ? sys::ParseOomKills(sys::ReadFile(Of(place) + "/memory.events")) : 0;
}

}  // namespace hydrapool
