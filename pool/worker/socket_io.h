#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <type_traits>

#include "pool/sys/clock.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/tcp_counters.h"
#include "pool/worker/request_process.h"

namespace hydrapool {

/// A StepMachine's seam over a real socket and the pipes of the request's process.
class SocketIo {
 public:
  SocketIo(int socket, RequestProcess& process) : socket_(socket), process_(process) {}

  ssize_t Send(const char* bytes, std::size_t size, bool more) const {
    return Result(::send(socket_, bytes, size, MSG_NOSIGNAL | (more ? MSG_MORE : 0)));
  }
  ssize_t Splice(std::size_t size, bool more) const {
    return Result(::splice(process_.end(ProcessEnd::kOutput), nullptr, socket_, nullptr, size,
                           SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0u)));
  }
  ssize_t Feed(std::size_t size) const {
    const int input = process_.end(ProcessEnd::kInput);
    if (input < 0) return Discard(size);
    const ssize_t count =
        Result(::splice(socket_, nullptr, input, nullptr, size, SPLICE_F_NONBLOCK | SPLICE_F_MOVE));
    if (count != -EPIPE) return count;
    process_.CloseEnd(ProcessEnd::kInput);  // it does not want the rest
    return Discard(size);
  }
  [[nodiscard]] ssize_t Discard(std::size_t size) const { return Result(sys::DiscardSome(socket_, size)); }

  template <typename T>
  void Store(T& place, const T& value) const {
    HYDRAPOOL_STORE_POINT("worker.store", &place);
    place = value;
  }
  template <typename T>
  void Store(std::atomic<T>& place, std::type_identity_t<T> value) const {
    HYDRAPOOL_STORE_POINT("worker.store", &place);
    place.store(value, std::memory_order_release);
  }
  [[nodiscard]] RequestProcess& process() const { return process_; }
  [[nodiscard]] Nanos Now() const { return hydrapool::Now(); }

 private:
  static ssize_t Result(ssize_t count) { return count < 0 ? -errno : count; }
  const int socket_;
  RequestProcess& process_;
};

}  // namespace hydrapool
