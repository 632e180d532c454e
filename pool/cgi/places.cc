#include "pool/cgi/places.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <climits>

#include "pool/sys/unique_fd.h"

namespace hydrapool::cgi {
namespace {

constexpr std::string_view kDeleted = " (deleted)";  // what the kernel puts behind the path of one that is

/// Of a path that goes no way by a symlink; -1: it does.
int OpenDirectly(int directory, const std::string& below) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  return static_cast<int>(::syscall(SYS_openat2, directory, below.c_str(), &how, sizeof how));
}

bool IsSame(int a, int b) {
  struct stat of_a {};
  struct stat of_b {};
  return ::fstat(a, &of_a) == 0 && ::fstat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
         of_a.st_ino == of_b.st_ino;
}

}  // namespace

std::string PathOfDescriptor(int fd) {
  std::array<char, PATH_MAX> path;
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  const bool known = size > 0 && path.front() == '/' && static_cast<std::size_t>(size) < path.size();
  return known ? std::string(path.data(), static_cast<std::size_t>(size)) : "";
}

tl::expected<std::string, Refusal> LinkedTo(int directory, const std::string& below, int found) {
  const sys::UniqueFd named(OpenDirectly(directory, below));
  if (named && IsSame(named.get(), found)) return "";
  std::string path = PathOfDescriptor(found);
  if (path.empty()) return tl::unexpected(Refusal{403, "a symlink, and where it leads to cannot be told"});
  struct stat info {};
  const bool replaced = ::fstat(found, &info) == 0 && info.st_nlink == 0;
  if (replaced && path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
  return path;
}

std::vector<std::string> Places::Of(std::string_view path, int own) const {
  std::vector<std::string> paths;
  std::size_t nearest = 0;
  bool is_own = false;
  for (const auto& [at, directory, file] : places_) {
    std::string root = PathOfDescriptor(directory);
    if (!root.ends_with('/')) root += '/';
    root += file;
    const bool holds = file.empty() ? path.starts_with(root) : path == root;
    if (!holds || root.size() < nearest || (root.size() == nearest && is_own)) continue;
    is_own = directory == own;
    if (root.size() > nearest || is_own) paths.clear();
    nearest = root.size();
    paths.push_back(at + std::string(path.substr(root.size())));
  }
  return paths;
}

}  // namespace hydrapool::cgi
