#include "pool/cgi/courier.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "pool/http/response_writer.h"
#include "pool/sys/log.h"

namespace hydrapool::cgi {
namespace {

using Progress = hydrapool::Connection::Progress;
using Then = hydrapool::Transmission::Then;

constexpr std::uint64_t kMostAtOnce = 1u << 30;  // of a body, in one step
constexpr sys::Nanos kLeastUpload = 2048;        // bytes a second: what comes more slowly is not waited for

}  // namespace

Courier::Courier(hydrapool::Connection& connection, CourierTools& tools, std::string name)
    : connection_(connection),
      tools_(tools),
      name_(std::move(name)),
      errors_(name_),
      left_before_(RequestLeft()),
      share_(tools.budget) {
  Watch();
}

Courier::~Courier() {
  if (const int errors = connection_.end(hydrapool::ProcessEnd::kErrors); errors >= 0) errors_.Drain(errors);
  errors_.Finish();
}

void Courier::Watch() {
  const int output = connection_.end(hydrapool::ProcessEnd::kOutput);
  if (const int size = ::fcntl(output, F_GETPIPE_SZ); size > 0)
    pressure_ = static_cast<std::size_t>(size) / 2;
  if (output >= 0)
    output_watch_ = connection_.Watch(output, EPOLLIN | EPOLLET, [this](std::uint32_t) { Pump(); });
  const int errors = connection_.end(hydrapool::ProcessEnd::kErrors);
  if (errors < 0) return;
  errors_watch_ = connection_.Watch(errors, EPOLLIN, [this, errors](std::uint32_t) {
    if (!errors_.Drain(errors)) errors_watch_.Reset();
  });
}

void Courier::Start() {
  timer_ = connection_.At(0, [this] { OnStepDone(); });
}

void Courier::Run() {
  Renew();
  Pump();
}

// The deadline first, then the note: a death between the two renews it once more, and never too seldom.
void Courier::Renew() {
  const std::uint64_t moved = connection_.total_sent() + connection_.total_consumed();
  if (notes().timed_at == moved) return;
  connection_.SetDeadline(sys::Now() + notes().patience);
  notes().timed_at = moved;
  left_before_ = RequestLeft();
}

void Courier::OnStepDone() { Run(); }

void Courier::OnProcessEnd() { Pump(); }

void Courier::OnDeadline() {
  if (over_) return;
  if (connection_.feeding()) {
    connection_.PauseFeed();
    const auto fed = static_cast<sys::Nanos>(left_before_ - RequestLeft());
    if (fed >= notes().patience / sys::kSecond * kLeastUpload + 1) return Run();
  }
  sys::log::Warn("{}: not done within its deadline: ended", name_);
  connection_.TerminateProcess();
  if (notes().streaming) {
    over_ = true;
    connection_.Abort();
  } else {
    Refuse(504, "the program did not answer in time");
  }
}

Courier::Output Courier::See() const {
  const int output = connection_.end(hydrapool::ProcessEnd::kOutput);
  pollfd state{output, POLLIN, 0};
  ::poll(&state, 1, 0);
  int available = 0;
  ::ioctl(output, FIONREAD, &available);  // after the poll: what has ended does not grow
  return {static_cast<std::size_t>(available), (state.revents & POLLHUP) != 0};
}

void Courier::Pump() {
  bool left_over = false;
  while (!over_ && !connection_.sending()) {
    const Output output = See();
    left_over = output.available > 0 && !output.ended;
    if (connection_.feeding()) {
      const bool press =
          output.ended || output.available >= pressure_ || (notes().streaming && output.available > 0);
      if (!press) break;
      connection_.PauseFeed();
    }
    Next next;
    if (notes().spooling) {
      next = Spool(output);
    } else if (notes().streaming && connection_.total_sent() > notes().answer_begin) {
      next = StreamOn(output);
    } else {
      next = BeginAnswer(output);
    }
    if (next == Next::kWait && (over_ || FeedOn() == Next::kWait)) break;
  }
  // No event tells of a write that fills a pipe in which something lay: it wakes its reader only when it is
  // done, and waits for room before that (pipe_write in the kernel).
  if (left_over && !over_ && !connection_.sending())
    look_again_ = connection_.At(sys::Now() + kLookAgain, [this] { Pump(); });
}

std::uint64_t Courier::RequestLeft() const {
  return notes().request_begin + notes().request_total - connection_.total_consumed();
}

// More of the request to the process, if there is more and it still listens.
Courier::Next Courier::FeedOn() {
  const bool wanted = notes().feeds && connection_.end(hydrapool::ProcessEnd::kInput) >= 0;
  if (!wanted || connection_.sending()) return Next::kWait;
  const std::uint64_t left = RequestLeft();
  if (left == 0) {
    connection_.CloseEnd(hydrapool::ProcessEnd::kInput);
    return Next::kWait;
  }
  if (notes().wants_continue && connection_.total_sent() == notes().sent_begin) {
    std::memcpy(connection_.slab().data(), http::kContinue.data(), http::kContinue.size());
    return Transmit(
        {.prefix = static_cast<std::uint32_t>(http::kContinue.size()), .then = Then::kMore, .interim = true});
  }
  const std::uint64_t taken = notes().request_total - left;
  const std::uint64_t head = taken < notes().request_head ? notes().request_head - taken : 0;
  const auto feed = std::min(left - head, kMostAtOnce);
  switch (connection_.Feed(static_cast<std::uint32_t>(head), static_cast<std::uint32_t>(feed))) {
    case Progress::kComplete:
      return Next::kAgain;
    case Progress::kPending:
      return Next::kWait;
    case Progress::kGone:
      over_ = true;
      break;
  }
  return Next::kWait;
}

// Whether the answer is followed by another request, once `consumed_now` more bytes of this one are consumed.
Then Courier::End(std::uint64_t consumed_now) const {
  const bool whole = RequestLeft() == consumed_now;
  return notes().keep_alive && whole && !connection_.IsLast(consumed_now) ? Then::kDone : Then::kDoneAndClose;
}

Courier::Next Courier::Transmit(const hydrapool::Transmission& transmission) {
  if (transmission.then != Then::kMore) {
    over_ = true;
    timer_.Reset();
  }
  switch (connection_.Send(transmission)) {
    case Progress::kComplete:
      if (!over_) Renew();
      return Next::kAgain;
    case Progress::kPending:
      break;
    case Progress::kGone:
      over_ = true;
      break;
  }
  return Next::kWait;
}

Courier::Next Courier::Refuse(int status, std::string_view why) {
  sys::log::Warn("{}: {}: {}", name_, status, why);
  over_ = true;
  timer_.Reset();
  connection_.TerminateProcess();
  const std::uint64_t consume = LeftToConsume();
  const bool keep = End(consume) == Then::kDone;
  connection_.Answer({.consume = consume,
                      .bytes = http::ErrorResponse(status, keep, notes().head_request, why,
                                                   tools_.date.At(connection_.loop().now()),
                                                   notes().may_chunk ? 1 : 0, tools_.extra_lines()),
                      .keep_open = keep,
                      .kind = static_cast<std::uint8_t>(status / 100)});
  return Next::kWait;
}

bool Courier::Crashed() const {
  const hydrapool::ProcessWord word = connection_.process();
  return word.state == hydrapool::ProcessWord::State::kFailed ||
         (word.state == hydrapool::ProcessWord::State::kEnded && word.value > 256);
}

// The output has ended; a moment later the parent knows how the process did. A program may also close its
// output and live on.
bool Courier::ExitKnown() {
  if (connection_.process().state != hydrapool::ProcessWord::State::kRunning || exit_waited_) return true;
  if (!timer_) {
    timer_ = connection_.At(sys::Now() + kExitGrace, [this] {
      exit_waited_ = true;
      Pump();
    });
  }
  return false;
}

}  // namespace hydrapool::cgi
