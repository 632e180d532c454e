#include "pool/worker/request_exchange.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "pool/sys/tcp_counters.h"
#include "pool/worker/leased_connection.h"

namespace hydrapool {

using Activity = LeasedConnection::Activity;

Connection& RequestExchange::connection() const { return connection_; }
std::span<char> RequestExchange::buffer() const { return connection_.hand().slab; }
bool RequestExchange::sending() const { return connection_.activity() == Activity::kSending; }
bool RequestExchange::gone() const { return connection_.activity() == Activity::kGone; }
std::uint64_t RequestExchange::total_sent() const { return connection_.hand().machine.total_sent(); }
std::uint64_t RequestExchange::total_consumed() const { return connection_.hand().machine.total_consumed(); }
void RequestExchange::Abort() { connection_.Abort(); }
RequestProcess& RequestExchange::process() const { return connection_.hand().io.process(); }

void RequestExchange::BeginOnce() {
  if (!gone()) connection_.hand().machine.ExecuteOnce();
}

void RequestExchange::SetDeadline(Nanos deadline) {
  connection_.hand().detail.deadline.store(deadline, std::memory_order_relaxed);
}

// What is wrong with a step; empty: nothing.
std::string_view RequestExchange::Fault(std::size_t size, std::uint32_t consume, bool over) const {
  if (answered_) return "an execution sent more than its answer";
  if (sending()) return "an execution sent while its last step is pending";
  if (size > buffer().size()) return "an execution sent more than its buffer holds";
  if (consume > seen_ && consume > sys::BytesWaiting(connection_.hand().fd.get()))
    return "an execution consumed more than has come";
  if (over && consume == 0 && !connection_.hand().request_taken())
    return "an execution consumed nothing of the request that it answered";
  return {};
}

void RequestExchange::Consume(std::uint32_t count) {
  if (gone()) return;
  StepMachine<SocketIo>& machine = connection_.hand().machine;
  if (!machine.once()) return connection_.Misuse("an execution consumed a request before BeginOnce");
  seen_ -= std::min<std::size_t>(seen_, count);
  if (machine.Consume(count) == count) return;
  char byte;
  if (Peek({&byte, 1})) return connection_.Abort();  // the client is gone
  connection_.Misuse("an execution consumed more than has come");
}

Exchange::Progress RequestExchange::Send(const Transmission& t) {
  if (gone()) return Progress::kGone;
  auto fault = Fault(std::size_t{t.prefix} + t.suffix, t.consume, t.then == Transmission::Then::kDone);
  if (t.spliced > 0 && process().end(t.from_file ? ProcessEnd::kBody : ProcessEnd::kOutput) < 0)
    fault = "an execution spliced from a process that it does not have";
  if (!fault.empty()) {
    connection_.Misuse(fault);
    return Progress::kGone;
  }
  StepEnd end{.next = Phase::kExecuting,
              .in_slab = true,
              .from_file = t.from_file,
              .interim = t.interim,
              .kind = static_cast<std::uint8_t>(t.kind & 7)};
  if (t.then != Transmission::Then::kMore) {
    end.next = t.then == Transmission::Then::kDone ? Phase::kReading : Phase::kClosing;
    end.requests = 1;
  }
  if (!t.interim) connection_.TellAnswering({buffer().data(), t.prefix});
  connection_.hand().machine.Begin({.send = t.prefix + t.spliced + t.suffix,
                                    .consume = t.consume,
                                    .splice_at = t.prefix,
                                    .spliced = t.spliced,
                                    .file_at = t.file_at,
                                    .end = end,
                                    .bytes = buffer().data()});
  return Conclude(connection_.CarryOn(), t.then != Transmission::Then::kMore);
}

void RequestExchange::Note(Reply reply) {
  if (!reply.interim) connection_.TellAnswering(reply.bytes);
  const auto size = static_cast<std::uint32_t>(reply.bytes.size());
  const StepEnd end{.next = reply.keep_open ? Phase::kReading : Phase::kClosing,
                    .in_slab = size <= buffer().size(),
                    .interim = reply.interim,
                    .kind = static_cast<std::uint8_t>(reply.kind & 7),
                    .requests = static_cast<std::uint8_t>(reply.interim ? 0 : 1)};
  if (end.in_slab) {
    std::memcpy(buffer().data(), reply.bytes.data(), size);
  } else {
    own_bytes_ = std::move(reply.bytes);
  }
  connection_.hand().machine.Begin({.send = size,
                                    .consume = static_cast<std::uint32_t>(reply.consume),
                                    .splice_at = size,
                                    .end = end,
                                    .bytes = end.in_slab ? buffer().data() : own_bytes_.data()});
}

Exchange::Progress RequestExchange::Answer(Reply reply) {
  if (gone()) return Progress::kGone;
  const auto consume = static_cast<std::uint32_t>(std::min<std::size_t>(reply.consume, UINT32_MAX));
  if (const auto fault = Fault(0, consume, reply.keep_open && !reply.interim); !fault.empty()) {
    connection_.Misuse(fault);
    return Progress::kGone;
  }
  const bool interim = reply.interim;
  Note(std::move(reply));
  if (!interim) process().turn().GiveUp();  // others need not wait until the client has read this
  return Conclude(connection_.CarryOn(), true);
}

Exchange::Progress RequestExchange::Conclude(Progress progress, bool over) {
  answered_ = over && progress != Progress::kGone;
  if (progress == Progress::kComplete && over) connection_.SettleSoon();
  return progress;
}

std::optional<std::size_t> RequestExchange::Peek(std::span<char> into) const {
  ssize_t count;
  do {
    count = ::recv(connection_.hand().fd.get(), into.data(), into.size(), MSG_PEEK | MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return errno == EAGAIN ? std::nullopt : std::optional<std::size_t>(0);
  return static_cast<std::size_t>(count);
}

EventLoop::Watch RequestExchange::Watch(int fd, std::uint32_t events, EventLoop::Callback call) {
  return connection_.desk().loop.Add(fd, events, [this, call = std::move(call)](std::uint32_t seen) {
    if (!gone()) connection_.Guard([&] { call(seen); });
  });
}

EventLoop::Timer RequestExchange::At(Nanos due, std::function<void()> call) {
  return connection_.desk().loop.At(due, [this, call = std::move(call)] {
    if (!gone()) connection_.Guard(call);
  });
}

void RequestExchange::Become(std::unique_ptr<Execution> next) {
  if (next == nullptr) return connection_.Misuse("an execution became none");
  before_ = std::exchange(execution_, std::move(next));
  replaced_ = connection_.desk().loop.At(0, [this] { before_.reset(); });
}

void RequestExchange::End() {
  before_.reset();
  execution_.reset();
  own_bytes_ = {};
  seen_ = SIZE_MAX;
  answered_ = false;
}

}  // namespace hydrapool
