#include "pool/sys/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "pool/sys/log.h"
#include "pool/sys/log_line.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {
namespace {

LogFileTurns g_of_this_process;
LogFileTurns* g_turns = &g_of_this_process;
std::vector<LogFile*>& g_files = *new std::vector<LogFile*>;  // outlives every file, also those of main

constexpr int kFlags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
constexpr mode_t kMode = 0640;

bool IsRegular(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

LogFile::LogFile(std::string path, int fd, bool created)
    : path_(std::move(path)),
      fd_(fd),
      index_(std::min(g_files.size(), LogFileTurns::kFiles - 1)),
      turn_(g_turns->turn.load()),
      created_(created),
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

std::unique_ptr<LogFile> LogFile::On(int fd) { return std::unique_ptr<LogFile>(new LogFile("", fd, false)); }

void LogFile::RefreshAll() {
  for (LogFile* file : g_files) file->Refresh();
}

Result<std::unique_ptr<LogFile>> LogFile::Open(std::string path, int as) {
  UniqueFd fd(::open(path.c_str(), kFlags));
  bool created = false;
  if (!fd && errno == ENOENT) {
    fd.Reset(::open(path.c_str(), kFlags | O_CREAT | O_EXCL, kMode));
    created = static_cast<bool>(fd);
    if (!fd && errno == EEXIST) fd.Reset(::open(path.c_str(), kFlags));
  }
  if (!fd) return Failure(errno, "open " + path);
  if (as >= 0 && ::dup3(fd.get(), as, as > STDERR_FILENO ? O_CLOEXEC : 0) < 0)
    return Failure(errno, "open " + path);
  const int number = as >= 0 ? as : fd.Release();
  return std::unique_ptr<LogFile>(new LogFile(std::move(path), number, created));
}

void LogFile::Give(unsigned user, unsigned group) const {
  if (created_) [[maybe_unused]]
    const int ignored = ::fchown(fd_, user, group);
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
