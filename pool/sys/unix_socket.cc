#include "pool/sys/unix_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>

namespace hydrapool::sys {
namespace {

// One after the other in a directory: who finds a stale socket must not remove the one that another has just
// put in its place. Bounded, as the lock can be a stranger's.
UniqueFd LockDirectoryOf(const std::string& path) {
  constexpr timespec kWait{0, 10'000'000};
  constexpr int kMostTries = 100;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  UniqueFd directory(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; directory && i < kMostTries && ::flock(directory.get(), LOCK_EX | LOCK_NB) != 0; ++i)
    ::nanosleep(&kWait, nullptr);
  return directory;
}

}  // namespace

Result<UniqueFd> ConnectUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Failure(ENAMETOOLONG, "connect to unix:" + path);
  path.copy(address.sun_path, path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  while (fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EINTR) continue;  // while the queue is full
    return Failure(errno, "connect to unix:" + path);
  }
  if (!fd) return Failure(errno, "connect to unix:" + path);
  return fd;
}

UniqueFd ListenUnix(const std::string& path, const ListenOptions& options) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    throw std::invalid_argument("cannot listen on '" + path + "': not a path of 1 to 107 bytes");
  }
  path.copy(address.sun_path, path.size());
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  UniqueFd fd(Check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"));
  const UniqueFd probe(Check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"));
  const UniqueFd lock = LockDirectoryOf(path);
  // connect(2) refuses a file of any other kind in the same words: only a socket may be replaced.
  struct stat there {};
  const bool stale = ::connect(probe.get(), where, sizeof address) != 0 && errno == ECONNREFUSED &&
                     ::lstat(path.c_str(), &there) == 0 && S_ISSOCK(there.st_mode);
  if (stale) ::unlink(path.c_str());
  if (::bind(fd.get(), where, sizeof address) != 0) {
    const int error = errno;
    const bool other = error == EADDRINUSE && ::lstat(path.c_str(), &there) == 0 && !S_ISSOCK(there.st_mode);
    ThrowErrno(other ? EEXIST : error, "cannot listen on unix:" + path);
  }
  if (::listen(fd.get(), options.backlog) != 0) ThrowErrno(errno, "listen " + path);
  return fd;
}

Result<void> CheckUnix(const std::string& path) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path))
    return Failure("'unix:" + path + "': not a path of 1 to 107 bytes");
  if (struct stat there{}; ::lstat(path.c_str(), &there) == 0 ? !S_ISSOCK(there.st_mode) : errno == ENOTDIR)
    return Failure("'unix:" + path + "': what is there is no socket");
  return {};
}

}  // namespace hydrapool::sys
