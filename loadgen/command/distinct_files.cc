#include "loadgen/command/distinct_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace hydrapool::loadgen {
DistinctFiles::DistinctFiles() {
  struct stat facts {};
  if (::fstat(STDOUT_FILENO, &facts) == 0) Note("standard output", facts, false);
  if (::fstat(STDERR_FILENO, &facts) == 0) Note("standard error", facts, false);
}

DistinctFiles::DistinctFiles(const std::vector<std::pair<std::string, std::string>>& paths_by_flag)
    : DistinctFiles() {
  for (const auto& [flag, path] : paths_by_flag) Spare(flag, path);
}

void DistinctFiles::Spare(const std::string& flag, const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) == 0) Note(flag, facts, true);
}

sys::Result<sys::UniqueFd> DistinctFiles::Open(const std::string& flag, const std::string& path) {
  sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  struct stat facts {};
  if (!file || ::fstat(file.get(), &facts) != 0)
    return sys::Failure(errno, fmt::format("{}: cannot write {}", flag, path));
  const auto same = std::ranges::find_if(files_, [&facts](const File& other) {
    return other.device == facts.st_dev && other.inode == facts.st_ino;
  });
  if (same != files_.end())
    return sys::Failure(
        same->is_read ? fmt::format("{} would overwrite {}, which is read as {}", flag, path, same->flag)
                      : fmt::format("{} and {} cannot both be written to {}", same->flag, flag, path));
  Note(flag, facts, false);
  return file;
}

void DistinctFiles::Note(const std::string& flag, const struct stat& facts, bool is_read) {
  if (S_ISREG(facts.st_mode))
    files_.push_back({.flag = flag, .device = facts.st_dev, .inode = facts.st_ino, .is_read = is_read});
}

}  // namespace hydrapool::loadgen
