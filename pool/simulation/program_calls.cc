// How a request's process comes to be, and what is asked about it.
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <vector>

#include "pool/simulation/system_call.h"
#include "pool/sys/descendants.h"

using namespace hydrapool;
using namespace hydrapool::simulation;

namespace {

std::string_view QueryIn(char* const* environment) {
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    if (entry.starts_with("QUERY_STRING=")) return entry.substr(entry.find('=') + 1);
  }
  return {};
}

}  // namespace

extern "C" {

int __real_clone(int (*body)(void*), void* stack, int flags, void* argument, ...);
int __wrap_clone(int (*body)(void*), void* stack, int flags, void* argument, ...) {
  va_list list;
  va_start(list, argument);
  int* const pidfd = va_arg(list, int*);
  va_end(list);
  if (!Simulated()) return __real_clone(body, stack, flags, argument, pidfd);
  Call call("clone");
  return call.world.Clone(body, argument, *pidfd);
}

// hydrapool::sys::CloneClearingHandlers: it is clone that is simulated.
int __wrap__ZN9hydrapool3sys21CloneClearingHandlersEPFiPvES1_S1_mmPii(int (*)(void*), void*, void*,
                                                                      std::size_t, unsigned long, int*, int) {
  return Returned(-ENOSYS);
}

int __real_execve(const char* path, char* const* arguments, char* const* environment);
int __wrap_execve(const char* path, char* const* arguments, char* const* environment) {
  if (!Simulated()) return __real_execve(path, arguments, environment);
  Call call("execve");
  call.world.Execute(QueryIn(environment));
  return 0;
}

int __real_dup2(int from, int to);
int __wrap_dup2(int from, int to) {
  if (!Simulated(from)) return __real_dup2(from, to);
  const Call call("dup2", from, to);
  FileRef file = call.Get(from);
  if (file == nullptr) return Returned(-EBADF);
  call.world.self->files()[to] = std::move(file);
  return to;
}

ssize_t __real_readv(int fd, const iovec* pieces, int count);
ssize_t __wrap_readv(int fd, const iovec* pieces, int count) {
  if (!Simulated(fd)) return __real_readv(fd, pieces, count);
  const Call call("readv", fd);
  const FileRef file = call.Get(fd);
  if (file == nullptr) return Returned<ssize_t>(-EBADF);
  ssize_t all = 0;
  for (int i = 0; i < count; ++i) {
    const ssize_t got = file->Read(static_cast<char*>(pieces[i].iov_base), pieces[i].iov_len);
    if (got <= 0) return all > 0 ? all : Returned(got);
    all += got;
  }
  return all;
}

int __real_fchdir(int fd);
int __wrap_fchdir(int fd) { return Simulated() ? 0 : __real_fchdir(fd); }
int __real_setpgid(pid_t pid, pid_t group);
int __wrap_setpgid(pid_t pid, pid_t group) { return Simulated() ? 0 : __real_setpgid(pid, group); }
pid_t __real_getpgid(pid_t pid);
pid_t __wrap_getpgid(pid_t pid) { return Simulated() ? pid : __real_getpgid(pid); }
mode_t __real_umask(mode_t mask);
mode_t __wrap_umask(mode_t mask) { return Simulated() ? mask : __real_umask(mask); }
int __real_setrlimit(__rlimit_resource_t resource, const rlimit* limit);
int __wrap_setrlimit(__rlimit_resource_t resource, const rlimit* limit) {
  return Simulated() ? 0 : __real_setrlimit(resource, limit);
}

// hydrapool::cgi::IsEnding
bool __real__ZN9hydrapool3cgi8IsEndingEi(pid_t pid);
bool __wrap__ZN9hydrapool3cgi8IsEndingEi(pid_t pid) {
  if (!Simulated()) return __real__ZN9hydrapool3cgi8IsEndingEi(pid);
  const Process* const process = World::current->Find(pid);
  return process == nullptr || !process->running();
}

// hydrapool::sys::Descendants: the programs have none.
using Found = std::vector<sys::FoundProcess>;
Found __wrap__ZN9hydrapool3sys11DescendantsEim(pid_t, std::size_t) { return {}; }

}  // extern "C"
