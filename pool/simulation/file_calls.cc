// System calls on descriptors of any kind.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstdarg>

#include <linux/sockios.h>

#include "pool/simulation/system_call.h"

using namespace hydrapool;
using namespace hydrapool::simulation;

namespace {

ssize_t Splice(const Call& call, int from, int to, std::size_t size) {
  const FileRef source = call.Get(from);
  const FileRef target = call.Get(to);
  if (source == nullptr || target == nullptr) return -EBADF;
  if (call.Interrupted()) return -EINTR;
  std::string bytes(std::min<std::size_t>(call.Part(size), 65'536), '\0');
  if (const auto pipe = std::dynamic_pointer_cast<PipeEnd>(source)) {
    if (pipe->bytes().empty()) return pipe->Read(nullptr, 0);
    bytes = pipe->bytes().substr(0, bytes.size());
    const ssize_t written = target->Write(bytes.data(), bytes.size());
    if (written > 0) pipe->Read(nullptr, static_cast<std::size_t>(written));
    return written;
  }
  const auto pipe = std::dynamic_pointer_cast<PipeEnd>(target);
  const ssize_t room = pipe == nullptr ? -EINVAL : pipe->Room();
  if (room < 0) return room;
  const ssize_t count = source->Read(bytes.data(), std::min(bytes.size(), static_cast<std::size_t>(room)));
  if (count > 0) pipe->Write(bytes.data(), static_cast<std::size_t>(count));
  return count;
}

ssize_t Tee(const Call& call, int from, int to, std::size_t size) {
  const auto source = call.Get<PipeEnd>(from);
  const auto target = call.Get<PipeEnd>(to);
  if (source == nullptr || target == nullptr) return -EBADF;
  if (source->bytes().empty()) return source->Read(nullptr, 0);
  return target->Write(source->bytes().data(), std::min(size, source->bytes().size()));
}

int Ioctl(const Call& call, int fd, unsigned long request, int& value) {
  if (const auto pipe = call.Get<PipeEnd>(fd); pipe != nullptr && request == FIONREAD) {
    value = static_cast<int>(pipe->bytes().size());
    return 0;
  }
  const auto tcp = call.Get<TcpFile>(fd);
  if (tcp == nullptr) return -ENOTTY;
  const TcpConnection& connection = *tcp->connection;
  if (request == SIOCATMARK) {  // nobody here marks a byte as urgent
    value = 0;
    return 0;
  }
  value = static_cast<int>(request == SIOCOUTQ ? connection.Unacknowledged() : connection.Waiting());
  return 0;
}

}  // namespace

extern "C" {

int __real_close(int fd);
int __wrap_close(int fd) {
  if (!Simulated(fd)) return __real_close(fd);
  const Call call("close", fd);
  return call.world.self->files().erase(fd) == 1 ? 0 : Returned(-EBADF);
}

ssize_t __real_read(int fd, void* into, std::size_t size);
ssize_t __wrap_read(int fd, void* into, std::size_t size) {
  if (!Simulated(fd)) return __real_read(fd, into, size);
  const Call call("read", fd, static_cast<std::int64_t>(size));
  const FileRef file = call.Get(fd);
  return Returned<ssize_t>(file ? file->Read(static_cast<char*>(into), size) : -EBADF);
}

ssize_t __real_write(int fd, const void* bytes, std::size_t size);
ssize_t __wrap_write(int fd, const void* bytes, std::size_t size) {
  if (!Simulated(fd)) return __real_write(fd, bytes, size);
  const Call call("write", fd, static_cast<std::int64_t>(size));
  const FileRef file = call.Get(fd);
  return Returned<ssize_t>(file ? file->Write(static_cast<const char*>(bytes), size) : -EBADF);
}

int __real_pipe2(int* ends, int flags);
int __wrap_pipe2(int* ends, int flags) {
  if (!Simulated()) return __real_pipe2(ends, flags);
  const Call call("pipe2");
  Pipe pipe = MakePipe(call.world.weather.pipe);
  ends[0] = call.world.Install(std::move(pipe.read));
  ends[1] = call.world.Install(std::move(pipe.write));
  call.world.self->signals.newest_pipe = ends[1];
  return 0;
}

int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags) {
  if (!Simulated()) return __real_eventfd(count, flags);
  const Call call("eventfd");
  return call.world.Install(std::make_shared<EventCounter>());
}

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags) {
  if (!Simulated()) return __real_epoll_create1(flags);
  const Call call("epoll_create1");
  return call.world.Install(std::make_shared<Epoll>());
}

int __real_epoll_ctl(int epoll, int operation, int fd, epoll_event* event);
int __wrap_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  if (!Simulated(epoll)) return __real_epoll_ctl(epoll, operation, fd, event);
  const Call call("epoll_ctl", fd, operation);
  const auto set = call.Get<Epoll>(epoll);
  const FileRef file = call.Get(fd);
  if (set == nullptr || file == nullptr) return Returned(-EBADF);
  return Returned(-set->Control(operation, fd, file, event));
}

int __real_epoll_wait(int epoll, epoll_event* events, int most, int milliseconds);
int __wrap_epoll_wait(int epoll, epoll_event* events, int most, int milliseconds) {
  if (!Simulated(epoll)) return __real_epoll_wait(epoll, events, most, milliseconds);
  const Call call("epoll_wait", milliseconds);
  Epoll* const set = call.Get<Epoll>(epoll).get();  // no reference: a process that dies in here drops none
  if (set == nullptr) return Returned(-EBADF);
  const Nanos until = milliseconds < 0 ? INT64_MAX : call.world.now + milliseconds * sys::kMillisecond;
  if (!set->AnyReady() && milliseconds != 0) call.world.Sleep(*set, until);
  const int count = set->Take(events, most);
  if (count == 0 && call.world.self->signals.Due()) {
    call.world.Pass("interrupted");
    return Returned(-EINTR);
  }
  return count;
}

int __real_poll(pollfd* of, nfds_t count, int milliseconds);
int __wrap_poll(pollfd* of, nfds_t count, int milliseconds) {
  if (count == 0 || !Simulated(of[0].fd)) return __real_poll(of, count, milliseconds);
  const Call call("poll", of[0].fd);
  int ready = 0;
  for (nfds_t i = 0; i < count; ++i) {
    const FileRef file = call.Get(of[i].fd);
    const auto wanted = static_cast<std::uint32_t>(of[i].events) | POLLHUP | POLLERR;
    of[i].revents = file ? static_cast<short>(file->Ready() & wanted) : short{0};
    if (of[i].revents != 0) ++ready;
  }
  return ready;
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...) {
  va_list list;
  va_start(list, command);
  const long argument = va_arg(list, long);
  va_end(list);
  if (!Simulated(fd)) return __real_fcntl(fd, command, argument);
  const Call call("fcntl", fd, command);
  if (call.Get(fd) == nullptr) return Returned(-EBADF);
  return command == F_GETPIPE_SZ ? static_cast<int>(call.world.weather.pipe) : 0;
}

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...) {
  va_list list;
  va_start(list, request);
  int* const value = va_arg(list, int*);
  va_end(list);
  if (!Simulated(fd)) return __real_ioctl(fd, request, value);
  const Call call("ioctl", PortOf(fd), static_cast<std::int64_t>(request));
  return Returned(Ioctl(call, fd, request, *value));
}

ssize_t __real_splice(int from, off_t* from_at, int to, off_t* to_at, std::size_t size, unsigned flags);
ssize_t __wrap_splice(int from, off_t* from_at, int to, off_t* to_at, std::size_t size, unsigned flags) {
  if (!Simulated(from)) return __real_splice(from, from_at, to, to_at, size, flags);
  const Call call("splice", PortOf(to), static_cast<std::int64_t>(size));
  return Returned(Splice(call, from, to, size));
}

ssize_t __real_tee(int from, int to, std::size_t size, unsigned flags);
ssize_t __wrap_tee(int from, int to, std::size_t size, unsigned flags) {
  if (!Simulated(from)) return __real_tee(from, to, size, flags);
  const Call call("tee", from, static_cast<std::int64_t>(size));
  return Returned(Tee(call, from, to, size));
}

}  // extern "C"
