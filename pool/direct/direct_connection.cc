#include "pool/direct/direct_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>
#include <variant>

#include "pool/shared/lease.h"
#include "pool/sys/log.h"
#include "pool/sys/socket.h"
#include "pool/sys/tcp_counters.h"
#include "pool/worker/reply_batch.h"

namespace hydrapool {
namespace {

constexpr std::size_t kPiece = 4096;
constexpr int kRounds = 16;  // pieces in one turn
constexpr std::size_t kMostOutput =
    std::size_t{64} * 1024;  // so much at once, and then the rest of the input

}  // namespace

DirectDesk::DirectDesk(Scoreboard& scoreboard, std::size_t seat, const PoolOptions& options,
                       const HandlerType& type)
    : counts(scoreboard.counts()),
      life(scoreboard.life_of(seat)),
      board(scoreboard.slot(seat)),
      timeouts(options.timeouts),
      max_input(options.max_input),
      internals{.parent = scoreboard.counts().parent.load(),
                .board = board,
                .counts = scoreboard.counts(),
                .bell = scoreboard.bell(),
                .scoreboard = &scoreboard},
      context{seat, board.incarnation.load(), loop, internals},
      speaks_first(type.speaks_first),
      abandoned_reply(type.abandoned_reply),
      handler(type.make(context)) {}

DirectConnection::DirectConnection(DirectDesk& desk, std::uint32_t slot, sys::UniqueFd fd)
    : desk_(desk), slot_(slot), fd_(std::move(fd)), since_(desk.loop.now()), docket_(kDocketBytes) {}

DirectConnection::~DirectConnection() {
  SetBusy(false);
  watch_.Reset();
}

std::string DirectConnection::peer() const { return sys::PeerAddress(fd_.get()); }
std::string DirectConnection::local() const { return sys::LocalAddress(fd_.get()); }

bool DirectConnection::IsLast(std::uint64_t request) const {
  return (desk_.draining || desk_.context.pool_drains()) && input_.size() <= request;
}

void DirectConnection::Begin() {
  Watch(EPOLLIN);
  if (!desk_.speaks_first) return;
  try {
    if (auto greeting = desk_.handler->OnConnect(*this)) {
      output_ = std::move(greeting->bytes);
      closes_ = !greeting->keep_open;
    }
  } catch (const std::exception& error) {
    return Reset(error.what());
  }
  Serve();
}

void DirectConnection::OnEvents(std::uint32_t events) {
  if (lingers_) return Linger();
  if ((events & EPOLLERR) != 0) return Close();
  Serve();
}

void DirectConnection::Serve() {
  for (int rounds = 0; fd_;) {
    if (!Flush()) return;
    if (closes_) {
      ::shutdown(fd_.get(), SHUT_WR);
      lingers_ = true;
      since_ = desk_.loop.now();
      return Linger();
    }
    if (Answer()) continue;
    if (fd_ && ++rounds > kRounds) return Watch(EPOLLIN);  // the others' turn
    if (fd_ && !Read()) return;
  }
}

// False: nothing is there now, or it is over.
bool DirectConnection::Read() {
  const std::size_t before = input_.size();
  input_.resize(before + kPiece);
  const ssize_t count = ::recv(fd_.get(), input_.data() + before, kPiece, 0);
  input_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (count > 0) {
    if (before == 0) since_ = desk_.loop.now();
    desk_.board.received_bytes.Add(static_cast<std::uint64_t>(count));
    SetBusy(true);
    return true;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    SetBusy(!input_.empty());
    Watch(EPOLLIN);
  } else {
    Close();
  }
  return false;
}

// True: something is to be sent.
bool DirectConnection::Answer() {
  bool answered = false;
  while (!input_.empty() && !closes_ && output_.size() < kMostOutput) {
    try {
      Decision decision = desk_.handler->OnInput(*this, input_);
      if (std::holds_alternative<NeedMore>(decision)) {
        if (input_.size() > desk_.max_input) Reset("a request is longer than max_input");
        break;
      }
      answered = true;
      auto* reply = std::get_if<Reply>(&decision);
      if (reply == nullptr) {
        Owe(Excuse::kAbandoned);
      } else if (const auto fault = FaultOf(*reply, input_.size(), false); !fault.empty()) {
        Reset(fault.data());
      } else {
        Take(std::move(*reply));
      }
    } catch (const std::exception& error) {
      Reset(error.what());
    }
    if (!fd_) return false;
  }
  return answered;
}

void DirectConnection::Take(Reply reply) {
  desk_.internals.CountRunInto();
  output_ += reply.bytes;
  closes_ = !reply.keep_open;
  input_.erase(0, reply.consume);
  total_consumed_ += reply.consume;
  if (reply.interim) return;
  notes_ = {};
  docket_of_ = 0;
  desk_.board.replies[std::min<std::size_t>(reply.kind, kReplyClasses - 1)].Add();
  desk_.board.request_seconds.Observe(reply.part, reply.kind, Now() - since_);
  desk_.life.requests.fetch_add(1, std::memory_order_relaxed);
  if (desk_.life.first_reply_at.load(std::memory_order_relaxed) == 0) desk_.life.first_reply_at = Now();
}

void DirectConnection::Owe(Excuse excuse) {
  output_ += desk_.abandoned_reply(excuse);
  closes_ = true;
}

// False: the client has no room, or it is over.
bool DirectConnection::Flush() {
  std::size_t sent = 0;
  while (sent < output_.size()) {
    const ssize_t count = ::send(fd_.get(), output_.data() + sent, output_.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN) {
      Close();
      return false;
    }
    if (count < 0) break;
    sent += static_cast<std::size_t>(count);
    since_ = desk_.loop.now();
  }
  output_.erase(0, sent);
  total_sent_ += sent;
  desk_.board.sent_bytes.Add(sent);
  if (output_.empty()) return true;
  Watch(EPOLLOUT);
  return false;
}

void DirectConnection::Linger() {
  std::array<char, 16 * kPiece> dropped;
  for (int rounds = 0; rounds < kRounds; ++rounds) {
    const ssize_t count = ::recv(fd_.get(), dropped.data(), dropped.size(), 0);
    if (count == 0 || (count < 0 && errno != EAGAIN)) return Close();
    if (count < 0) break;
  }
  Watch(EPOLLIN);
}

void DirectConnection::Reset(const char* what) {
  sys::log::Error("{}: {}: the connection is reset", peer(), what);
  desk_.board.cut.Add();
  sys::ResetConnection(fd_.get());
  Close();
}

void DirectConnection::Close() {
  if (!fd_) return;
  try {
    desk_.handler->OnClose(*this);
  } catch (const std::exception& error) {
    sys::log::Error("the handler's OnClose failed: {}", error.what());
  }
  SetBusy(false);
  watch_.Reset();
  fd_.Reset();
  desk_.ended.push_back(slot_);
}

void DirectConnection::SetBusy(bool busy) {
  if (busy == (busy_since_ != 0)) return;
  if (busy) {
    busy_since_ = desk_.loop.now();
    desk_.life.busy.fetch_add(1, std::memory_order_relaxed);
  } else {
    desk_.board.busy_nanos.Add(static_cast<std::uint64_t>(std::max<Nanos>(Now() - busy_since_, 0)));
    busy_since_ = 0;
    desk_.life.busy.fetch_sub(1, std::memory_order_relaxed);
  }
}

void DirectConnection::Watch(std::uint32_t events) {
  if (watched_ == events) return;
  watched_ = events;
  if (watch_) return watch_.Modify(events);
  watch_ = desk_.loop.Add(fd_.get(), events, [this](std::uint32_t seen) { OnEvents(seen); });
}

void DirectConnection::OnTick(Nanos now) {
  if (!fd_) return;
  const Nanos waited = now - since_;
  if (lingers_) {
    if (waited >= desk_.timeouts.linger) Close();
  } else if (!output_.empty()) {
    if (waited >= desk_.timeouts.write) Reset("its client takes nothing of its answer");
  } else if (input_.empty()) {
    if (waited >= desk_.timeouts.keep_alive) Close();
  } else if (waited >= desk_.timeouts.head) {
    Owe(Excuse::kTooSlow);
    Serve();
  }
}

}  // namespace hydrapool
