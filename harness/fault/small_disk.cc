#include "harness/fault/small_disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {
namespace {

constexpr mode_t kAnybodys = 01777;
constexpr std::array<char, 4096> kPage{};

}  // namespace

sys::Result<void> MountSmallDisk(const std::string& directory, std::uint64_t bytes) {
  if (bytes > kLargestDisk) return sys::Failure("a disk that is to be filled has 256mb at most");
  if (::mkdir(directory.c_str(), 0755) != 0) return sys::Failure(errno, directory);
  if (::unshare(CLONE_NEWNS) != 0)
    return sys::Failure(errno, "a mount namespace of its own (root, or CAP_SYS_ADMIN, makes one)");
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return sys::Failure(errno, "mount /");
  const std::string size = fmt::format("size={}", bytes);
  if (::mount("harness", directory.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, size.c_str()) != 0)
    return sys::Failure(errno, "a tmpfs at " + directory);
  if (::chmod(directory.c_str(), kAnybodys) != 0) return sys::Failure(errno, directory);
  return {};
}

void UnmountSmallDisk(const std::string& directory) { ::umount2(directory.c_str(), MNT_DETACH); }

std::optional<std::string> WhyNoFilling(const std::string& directory) {
  struct stat own {};
  struct stat above {};
  struct statvfs space {};
  if (::stat(directory.c_str(), &own) != 0 || ::stat((directory + "/..").c_str(), &above) != 0 ||
      ::statvfs(directory.c_str(), &space) != 0)
    return fmt::format("{}: {}", directory, std::strerror(errno));
  if (own.st_dev == above.st_dev) return directory + " is no file system of its own";
  if (space.f_blocks == 0) return directory + " is a file system without a size, which is never full";
  if (space.f_blocks * space.f_frsize > kLargestDisk)
    return directory + " is a file system of more than 256 MB, which is never filled";
  return std::nullopt;
}

std::string PathOfFilling(const std::string& directory, const std::string& token) {
  return fmt::format("{}/.harness-fills-{}", directory, token);
}

sys::Result<void> Fill(const std::string& directory, const std::string& token) {
  if (auto why = WhyNoFilling(directory)) return sys::Failure(std::move(*why));
  const std::string path = PathOfFilling(directory, token);
  const sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return sys::Failure(errno, path);
  int error = EFBIG;
  for (std::uint64_t written = 0; written <= kLargestDisk; written += kPage.size()) {
    if (::write(file.get(), kPage.data(), kPage.size()) > 0) continue;
    error = errno;
    break;
  }
  if (error == ENOSPC) return {};
  ::unlink(path.c_str());
  return sys::Failure(error, path);
}

bool IsFull(const std::string& directory) {
  const std::string path = fmt::format("{}/.harness-probes-{}", directory, ::getpid());
  const sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return errno == ENOSPC;
  ::unlink(path.c_str());  // first: this process may be killed
  return ::write(file.get(), kPage.data(), kPage.size()) < 0 && errno == ENOSPC;
}

}  // namespace hydrapool::harness
