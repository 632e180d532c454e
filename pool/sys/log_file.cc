#include "pool/sys/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "pool/sys/log.h"
#include "pool/sys/log_line.h"
#include "pool/sys/privileges.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {
namespace {

LogFileTurns g_of_this_process;
LogFileTurns* g_turns = &g_of_this_process;
std::vector<LogFile*>& g_files = *new std::vector<LogFile*>;  // outlives every file, also those of main

constexpr int kFlags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
constexpr mode_t kMode = 0640;

using Opener = int (*)(const char* path, int flags);

int OpenAny(const char* path, int flags) { return ::open(path, flags, kMode); }

int OpenWithoutLinks(const char* path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  if ((flags & O_CREAT) != 0) how.mode = kMode;
  how.resolve = RESOLVE_NO_SYMLINKS;
  return static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how));
}

/// Opens the file, or makes it.
UniqueFd OpenOrMake(const std::string& path, Opener open, bool& made) {
  UniqueFd fd(open(path.c_str(), kFlags));
  if (fd || errno != ENOENT) return fd;
  fd.Reset(open(path.c_str(), kFlags | O_CREAT | O_EXCL));
  made = static_cast<bool>(fd);
  if (!fd && errno == EEXIST) fd.Reset(open(path.c_str(), kFlags));
  return fd;
}

Result<UniqueFd> OpenFor(const std::string& path, const User& user) {
  bool made = false;
  int error = 0;
  {
    const RightsOf rights(user);
    if (UniqueFd fd = OpenOrMake(path, OpenAny, made)) return fd;
    error = errno;
  }
  if (error != EACCES && error != EPERM) return Failure(error, "open " + path);
  UniqueFd fd = OpenOrMake(path, OpenWithoutLinks, made);
  if (!fd && errno == ELOOP) {
    return Failure("open " + path + ": " + user.name +
                   " may not, and root follows no symbolic link for that user: name the file itself");
  }
  if (!fd) return Failure(errno, "open " + path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return Failure(errno, "open " + path);
  if (S_ISREG(info.st_mode) && info.st_nlink > 1)
    return Failure("open " + path + ": " + user.name + " may not, and the file has another name");
  if (made) [[maybe_unused]]
    const int ignored = ::fchown(fd.get(), user.uid, user.gid);
  return fd;
}

bool IsRegular(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

LogFile::LogFile(std::string path, int fd)
    : path_(std::move(path)),
      fd_(fd),
      index_(std::min(g_files.size(), LogFileTurns::kFiles - 1)),
      turn_(g_turns->turn.load()),
      regular_(IsRegular(fd)) {
  g_files.push_back(this);
}

LogFile::~LogFile() {
  std::erase(g_files, this);
  if (!path_.empty() && fd_ > STDERR_FILENO) ::close(fd_);
}

std::vector<int> LogFile::Descriptors() {
  std::vector<int> numbers;
  for (const LogFile* file : g_files) numbers.push_back(file->fd_);
  return numbers;
}

std::unique_ptr<LogFile> LogFile::On(int fd) { return std::unique_ptr<LogFile>(new LogFile("", fd)); }

void LogFile::RefreshAll() {
  for (LogFile* file : g_files) file->Refresh();
}

Result<std::unique_ptr<LogFile>> LogFile::Open(std::string path, int as, const User* user) {
  UniqueFd fd;
  if (user != nullptr && ::geteuid() == 0) {
    auto opened = OpenFor(path, *user);
    if (!opened) return tl::unexpected(opened.error());
    fd = std::move(*opened);
  } else {
    bool made = false;
    fd = OpenOrMake(path, OpenAny, made);
  }
  if (!fd) return Failure(errno, "open " + path);
  if (as >= 0 && ::dup3(fd.get(), as, as > STDERR_FILENO ? O_CLOEXEC : 0) < 0)
    return Failure(errno, "open " + path);
  const int number = as >= 0 ? as : fd.Release();
  return std::unique_ptr<LogFile>(new LogFile(std::move(path), number));
}

void LogFile::TurnBy(LogFileTurns* shared) { g_turns = shared != nullptr ? shared : &g_of_this_process; }

void LogFile::AskForTurn() { g_turns->turn.fetch_add(1); }

Result<void> LogFile::OpenAgain() const {
  const UniqueFd fd(::open(path_.c_str(), kFlags | O_CREAT, kMode));
  if (!fd || ::dup3(fd.get(), fd_, fd_ > STDERR_FILENO ? O_CLOEXEC : 0) < 0)
    return Failure(errno, "open " + path_);
  return {};
}

void LogFile::Refresh() {
  const std::uint32_t turn = g_turns->turn.load(std::memory_order_relaxed);
  if (turn == turn_) return;
  turn_ = turn;
  if (path_.empty()) return;
  if (const auto opened = OpenAgain(); !opened) {
    if (g_turns->told[index_].exchange(turn) != turn)
      log::Error("{}: the one that is open is written on", opened.error().message);
    return;
  }
  g_turns->torn[index_] = false;
  regular_ = IsRegular(fd_);
}

bool LogFile::Write(std::string_view line) {
  Refresh();
  error_ = 0;
  if (!regular_) {
    errno = EAGAIN;
    if (WriteLine(fd_, line)) return true;
    error_ = errno;
    return false;
  }
  std::string begun;
  if (g_turns->torn[index_].load(std::memory_order_relaxed) && g_turns->torn[index_].exchange(false)) {
    begun = fmt::format("\n{}", line);
    line = begun;
  }
  const ssize_t written = ::write(fd_, line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return true;
  error_ = written < 0 ? errno : ENOSPC;
  if (written > 0 || !begun.empty()) g_turns->torn[index_] = true;
  return false;
}

}  // namespace hydrapool::sys
