// System calls on files and directories: they are the real system's.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>

#include "pool/simulation/real_file.h"
#include "pool/simulation/system_call.h"

using namespace hydrapool;
using namespace hydrapool::simulation;

namespace {

/// A descriptor of a simulated process for a new real one; -1 with errno stays -1.
int Adopt(int fd, bool in_memory) {
  if (fd < 0) return fd;
  const Call call("open");
  return call.world.Install(std::make_shared<RealFile>(fd, in_memory));
}

/// The real descriptor behind a simulated one.
int Behind(int fd) {
  if (!Simulated(fd)) return fd;
  const auto file = std::dynamic_pointer_cast<RealFile>(World::current->self->file(fd));
  return file ? file->fd : -1;
}

}  // namespace

extern "C" {

int __real_open(const char* path, int flags, ...);
int __wrap_open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const int mode = va_arg(list, int);
  va_end(list);
  const int fd = __real_open(path, flags, mode);
  return Simulated() ? Adopt(fd, false) : fd;
}

int __real_memfd_create(const char* name, unsigned flags);
int __wrap_memfd_create(const char* name, unsigned flags) {
  const int fd = __real_memfd_create(name, flags);
  return Simulated() ? Adopt(fd, true) : fd;
}

int __real_fstat(int fd, struct stat* status);
int __wrap_fstat(int fd, struct stat* status) { return __real_fstat(Behind(fd), status); }

int __real_fstatat(int fd, const char* path, struct stat* status, int flags);
int __wrap_fstatat(int fd, const char* path, struct stat* status, int flags) {
  return __real_fstatat(Behind(fd), path, status, flags);
}

int __real_faccessat(int fd, const char* path, int mode, int flags);
int __wrap_faccessat(int fd, const char* path, int mode, int flags) {
  return __real_faccessat(Behind(fd), path, mode, flags);
}

off_t __real_lseek(int fd, off_t offset, int from);
off_t __wrap_lseek(int fd, off_t offset, int from) { return __real_lseek(Behind(fd), offset, from); }

ssize_t __real_pwrite(int fd, const void* bytes, std::size_t size, off_t at);
ssize_t __wrap_pwrite(int fd, const void* bytes, std::size_t size, off_t at) {
  if (!Simulated(fd)) return __real_pwrite(fd, bytes, size, at);
  const Call call("pwrite", static_cast<std::int64_t>(size));
  const auto file = call.Get<RealFile>(fd);
  if (file == nullptr) return Returned<ssize_t>(-EBADF);
  return file->memory ? __real_pwrite(file->fd, bytes, size, at) : static_cast<ssize_t>(size);
}

// Of /proc, about this process's time on the CPU: the simulation has none.
ssize_t __real_pread(int fd, void* into, std::size_t size, off_t at);
ssize_t __wrap_pread(int fd, void* into, std::size_t size, off_t at) {
  return Simulated() ? 0 : __real_pread(fd, into, size, at);
}

long __real_syscall(long number, ...);

}  // extern "C"

namespace hydrapool::simulation {

int OpenBelow(int directory, const char* path, const void* how, std::size_t size) {
  return Adopt(static_cast<int>(__real_syscall(SYS_openat2, Behind(directory), path, how, size, 0)), false);
}

}  // namespace hydrapool::simulation
