#pragma once

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "pool/sys/clock.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/socket_ledger.h"
#include "pool/sys/tcp_counters.h"
#include "pool/worker/request_process.h"
#include "pool/worker/round_counts.h"

namespace hydrapool {

/// Who is told that a step which ends a request is done, but for its commit.
class StepWatcher {
 public:
  virtual void OnThrough() = 0;

 protected:
  ~StepWatcher() = default;
};

/// A StepMachine's seam over a real socket and the pipes of the request's process. `ledger`: counts what the
/// kernel does not; null where the kernel counts. What is moved is added to `counts`.
class SocketIo {
 public:
  SocketIo(int socket, sys::SocketLedger* ledger, RequestProcess& process, StepWatcher& watcher,
           RoundCounts& counts)
      : socket_(socket), ledger_(ledger), process_(process), watcher_(watcher), counts_(counts) {}
  SocketIo(const SocketIo&) = delete;
  SocketIo& operator=(const SocketIo&) = delete;

  ssize_t Send(const char* bytes, std::size_t size, bool more) {
    const int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    const ssize_t count =
        ledger_ != nullptr ? ledger_->Send(socket_, bytes, size, flags) : ::send(socket_, bytes, size, flags);
    return Sent(Result(count));
  }
  ssize_t Splice(std::size_t size, bool more) {
    if (ledger_ != nullptr) ledger_->Doubt();
    const ssize_t count = Result(::splice(process_.end(ProcessEnd::kOutput), nullptr, socket_, nullptr, size,
                                          SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0u)));
    if (ledger_ != nullptr) ledger_->Believe(Moved(count), 0);
    return Sent(count);
  }
  ssize_t SendFile(std::uint64_t at, std::size_t size) {
    if (ledger_ != nullptr) ledger_->Doubt();
    auto offset = static_cast<off_t>(at);
    const ssize_t count = Result(::sendfile(socket_, process_.end(ProcessEnd::kBody), &offset, size));
    if (ledger_ != nullptr) ledger_->Believe(Moved(count), 0);
    return Sent(count);
  }
  ssize_t Feed(std::size_t size) {
    const int input = process_.end(ProcessEnd::kInput);
    if (input < 0) return Discard(size);
    if (ledger_ != nullptr) ledger_->Doubt();
    const ssize_t count =
        Result(::splice(socket_, nullptr, input, nullptr, size, SPLICE_F_NONBLOCK | SPLICE_F_MOVE));
    if (ledger_ != nullptr) ledger_->Believe(0, Moved(count));
    if (count == -EAGAIN && sys::AtUrgentByte(socket_)) return -EBADMSG;  // no splice goes past it
    if (count != -EPIPE) return Received(count);
    process_.CloseEnd(ProcessEnd::kInput);  // it does not want the rest
    return Discard(size);
  }
  [[nodiscard]] ssize_t Discard(std::size_t size) {
    return Received(
        Result(ledger_ != nullptr ? ledger_->Discard(socket_, size) : sys::DiscardSome(socket_, size)));
  }

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
  void Through() const { watcher_.OnThrough(); }
  [[nodiscard]] RequestProcess& process() const { return process_; }
  [[nodiscard]] Nanos Now() const { return hydrapool::Now(); }

 private:
  static ssize_t Result(ssize_t count) { return count < 0 ? -errno : count; }
  ssize_t Sent(ssize_t count) {
    counts_.sent_bytes += Moved(count);
    return count;
  }
  ssize_t Received(ssize_t count) {
    counts_.received_bytes += Moved(count);
    return count;
  }
  static std::uint32_t Moved(ssize_t count) { return static_cast<std::uint32_t>(count < 0 ? 0 : count); }
  const int socket_;
  sys::SocketLedger* const ledger_;
  RequestProcess& process_;
  StepWatcher& watcher_;
  RoundCounts& counts_;
};

}  // namespace hydrapool
