#include "pool/cgi/courier.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "pool/http/response_writer.h"
#include "pool/sys/error.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"

namespace cgi {
namespace {

using Progress = pool::Connection::Progress;
using Then = pool::Transmission::Then;

constexpr std::size_t kPipe = 64 * 1024;
constexpr std::size_t kHeadAt = 32 * 1024;       // where the CGI's own head lies in the slab
constexpr std::uint64_t kMostAtOnce = 1u << 30;  // of a body, in one step

}  // namespace

static_assert(sizeof(CourierNotes) <= sizeof(pool::LeaseDetail::handler));
static_assert(kHeadAt + kMaxResponseHead <= pool::LeaseTable::kSlab);

CourierTools::CourierTools(std::string extra_lines) : extra_lines_(std::move(extra_lines)), buffer_(kPipe) {
  int ends[2];
  sys::Check(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), "pipe2");
  look_out_.Reset(ends[0]);
  look_in_.Reset(ends[1]);
}

std::string_view CourierTools::Date(sys::Nanos now) {
  if (date_.empty() || now - date_at_ >= sys::kSecond) {
    date_ = http::HttpDate(std::time(nullptr));
    date_at_ = now;
  }
  return date_;
}

std::string_view CourierTools::Look(int pipe, std::size_t most) {
  const ssize_t seen = ::tee(pipe, look_in_.get(), std::min(most, buffer_.size()), SPLICE_F_NONBLOCK);
  std::size_t got = 0;
  while (seen > 0 && got < static_cast<std::size_t>(seen)) {
    const ssize_t count = ::read(look_out_.get(), buffer_.data() + got, buffer_.size() - got);
    if (count <= 0) break;
    got += static_cast<std::size_t>(count);
  }
  return {buffer_.data(), got};
}

Courier::Courier(pool::Connection& connection, CourierTools& tools, std::string name)
    : connection_(connection), tools_(tools), name_(std::move(name)), errors_(name_), share_(tools.budget) {
  Watch();
}

Courier::~Courier() {
  if (const int errors = connection_.end(pool::ProcessEnd::kErrors); errors >= 0) errors_.Drain(errors);
  errors_.Finish();
}

void Courier::Watch() {
  const int output = connection_.end(pool::ProcessEnd::kOutput);
  if (const int size = ::fcntl(output, F_GETPIPE_SZ); size > 0)
    pressure_ = static_cast<std::size_t>(size) / 2;
  if (output >= 0)
    output_watch_ = connection_.loop().Add(output, EPOLLIN | EPOLLET, [this](std::uint32_t) { Pump(); });
  const int errors = connection_.end(pool::ProcessEnd::kErrors);
  if (errors < 0) return;
  errors_watch_ = connection_.loop().Add(errors, EPOLLIN, [this, errors](std::uint32_t) {
    if (!errors_.Drain(errors)) errors_watch_.Reset();
  });
}

void Courier::Start() {
  timer_ = connection_.loop().At(0, [this] { OnStepDone(); });
}

void Courier::Run() {
  connection_.SetDeadline(sys::Now() + notes().patience);
  Pump();
}

void Courier::OnStepDone() { Run(); }

void Courier::OnProcessEnd() { Pump(); }

void Courier::OnDeadline() {
  if (over_) return;
  sys::log::Warn("{}: not done within its deadline: ended", name_);
  if (connection_.feeding()) connection_.PauseFeed();
  connection_.TerminateProcess();
  if (notes().streaming) {
    over_ = true;
    connection_.Abort();
  } else {
    Refuse(504, "the program did not answer in time");
  }
}

Courier::Output Courier::See() const {
  const int output = connection_.end(pool::ProcessEnd::kOutput);
  pollfd state{output, POLLIN, 0};
  ::poll(&state, 1, 0);
  int available = 0;
  ::ioctl(output, FIONREAD, &available);  // after the poll: what has ended does not grow
  return {static_cast<std::size_t>(available), (state.revents & POLLHUP) != 0};
}

void Courier::Pump() {
  while (!over_ && !connection_.sending()) {
    const Output output = See();
    if (connection_.feeding()) {
      const bool press =
          output.ended || output.available >= pressure_ || (notes().streaming && output.available > 0);
      if (!press) return;
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
    if (next == Next::kWait && (over_ || FeedOn() == Next::kWait)) return;
  }
}

std::uint64_t Courier::RequestLeft() const {
  return notes().request_begin + notes().request_total - connection_.total_consumed();
}

// More of the request to the process, if there is more and it still listens.
Courier::Next Courier::FeedOn() {
  const bool wanted = notes().feeds && connection_.end(pool::ProcessEnd::kInput) >= 0;
  if (!wanted || connection_.sending()) return Next::kWait;
  const std::uint64_t left = RequestLeft();
  if (left == 0) {
    connection_.CloseEnd(pool::ProcessEnd::kInput);
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

Courier::Next Courier::Transmit(const pool::Transmission& transmission) {
  if (transmission.then != Then::kMore) {
    over_ = true;
    timer_.Reset();
  }
  switch (connection_.Send(transmission)) {
    case Progress::kComplete:
      if (!over_) connection_.SetDeadline(sys::Now() + notes().patience);
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
  const std::uint64_t consume = notes().feeds ? 0 : RequestLeft();
  const bool keep = End(consume) == Then::kDone;
  connection_.Answer({.consume = consume,
                      .bytes = http::ErrorResponse(status, keep, notes().head_request, why,
                                                   tools_.Date(connection_.loop().now()),
                                                   notes().may_chunk ? 1 : 0, tools_.extra_lines()),
                      .keep_open = keep,
                      .kind = static_cast<std::uint8_t>(status / 100)});
  return Next::kWait;
}

bool Courier::Crashed() const {
  const pool::ProcessWord word = connection_.process();
  return word.state == pool::ProcessWord::State::kFailed ||
         (word.state == pool::ProcessWord::State::kEnded && word.value > 256);
}

// The output has ended; a moment later the parent knows how the process did. A program may also close its
// output and live on.
bool Courier::ExitKnown() {
  if (connection_.process().state != pool::ProcessWord::State::kRunning || exit_waited_) return true;
  if (!timer_) {
    timer_ = connection_.loop().At(sys::Now() + kExitGrace, [this] {
      exit_waited_ = true;
      Pump();
    });
  }
  return false;
}

// Moves the CGI's head out of its pipe into the slab. The bytes there tell whether the read has happened:
// they are zeroed before, and a head holds no zero; so a death on either side of the read is seen by whoever
// takes over.
bool Courier::TakeHead() {
  char* at = connection_.slab().data() + kHeadAt;
  const std::uint32_t size = notes().cgi_head;
  if (at[size - 1] != '\0') return true;
  HYDRAPOOL_FAILPOINT("cgi.head_noted");
  const ssize_t count = ::read(connection_.end(pool::ProcessEnd::kOutput), at, size);
  HYDRAPOOL_FAILPOINT("cgi.head_taken");
  return count == static_cast<ssize_t>(size);
}

Courier::Next Courier::BeginAnswer(const Output& output) {
  const int pipe = connection_.end(pool::ProcessEnd::kOutput);
  if (notes().cgi_head > 0) {  // the courier before had begun to stream
    if (!TakeHead()) return Refuse(502, "the program's output cannot be read");
    const auto again = ParseResponseHead({connection_.slab().data() + kHeadAt, notes().cgi_head});
    return BeginStream(std::get<ResponseHead>(again), See());
  }
  const std::string_view seen = tools_.Look(pipe, output.available);
  const auto parsed = ParseResponseHead(seen);
  if (const auto* bad = std::get_if<Malformed>(&parsed)) return Refuse(502, bad->why);
  const auto* head = std::get_if<ResponseHead>(&parsed);
  if (head == nullptr && output.ended) {
    if (!ExitKnown()) return Next::kWait;
    return Refuse(502, Crashed() ? "the program crashed" : "the program ended before the end of its head");
  }
  if (head == nullptr) return Next::kWait;

  if (output.ended) {
    if (!ExitKnown()) return Next::kWait;
    if (Crashed()) return Refuse(502, "the program crashed");
    if (head->content_length && !notes().head_request &&
        output.available < head->head_size + *head->content_length) {
      return Refuse(502, "the program's output is shorter than it promised");
    }
    if (seen.size() == output.available && output.available <= kHeadAt + kMaxResponseHead) {
      return AnswerWhole(*head, seen.substr(head->head_size));
    }
  } else if (!held_back_ && output.available < pressure_ && !notes().head_request) {
    if (!timer_) {
      timer_ = connection_.loop().At(sys::Now() + kHoldBack, [this] {
        held_back_ = true;
        Pump();
      });
    }
    return Next::kWait;
  }
  timer_.Reset();
  if (notes().head_request) return AnswerWhole(*head, {});
  if (!output.ended && !head->content_length && !notes().may_chunk) {
    notes().spooling = true;
    spools_here_ = true;
    return Next::kAgain;
  }
  char* at = connection_.slab().data() + kHeadAt;
  std::memset(at, 0, head->head_size);
  notes().cgi_head = static_cast<std::uint32_t>(head->head_size);
  if (!TakeHead()) return Refuse(502, "the program's output cannot be read");
  const auto again = ParseResponseHead({at, notes().cgi_head});
  return BeginStream(std::get<ResponseHead>(again), See());
}

std::string Courier::HttpHead(const ResponseHead& head, std::optional<std::uint64_t> length, bool chunked,
                              bool keep) const {
  std::string extra(tools_.extra_lines());
  std::string_view date = tools_.Date(connection_.loop().now());
  for (const http::Field& field : head.fields) {
    if (http::EqualsIgnoringCase(field.name, "Server")) continue;
    if (http::EqualsIgnoringCase(field.name, "Date")) date = {};
    extra += fmt::format("{}: {}\r\n", field.name, field.value);
  }
  if (!head.location.empty()) extra += fmt::format("Location: {}\r\n", head.location);
  const bool bodyless = head.status == 204 || head.status == 304;
  std::string out;
  http::AppendHead(out, {.status = head.kind == ResponseKind::kLocalRedirect ? 302 : head.status,
                         .keep_alive = keep,
                         .minor_version = notes().may_chunk ? 1 : 0,
                         .content_length = bodyless ? std::nullopt : length,
                         .chunked = chunked && !bodyless,
                         .content_type = head.content_type,
                         .date = date,
                         .extra = extra});
  return out;
}

Courier::Next Courier::AnswerWhole(const ResponseHead& head, std::string_view body) {
  const bool bodyless = notes().head_request || head.status == 204 || head.status == 304;
  std::optional<std::uint64_t> length = body.size();
  if (notes().head_request) length = head.content_length;
  const std::uint64_t consume = notes().feeds ? 0 : RequestLeft();
  std::string answer = HttpHead(head, length, false, End(consume) == Then::kDone);
  if (!bodyless) answer += body;
  std::memcpy(connection_.slab().data(), answer.data(), answer.size());
  HYDRAPOOL_FAILPOINT("cgi.answered");
  return Transmit({.prefix = static_cast<std::uint32_t>(answer.size()),
                   .consume = static_cast<std::uint32_t>(consume),
                   .then = End(consume),
                   .kind = static_cast<std::uint8_t>(head.status / 100)});
}

Courier::Next Courier::BeginStream(const ResponseHead& head, const Output& output) {
  CourierNotes& note = notes();
  std::optional<std::uint64_t> length = head.content_length;
  if (output.ended) length = output.available;
  const bool bodyless = head.status == 204 || head.status == 304;
  const std::string http_head = HttpHead(
      head, length, !length, notes().keep_alive && !connection_.IsLast(notes().feeds ? 0 : RequestLeft()));
  std::memcpy(connection_.slab().data(), http_head.data(), http_head.size());
  note.framed_by_length = length.has_value() || bodyless;
  note.body_length = bodyless ? 0 : length.value_or(0);
  note.answer_begin = connection_.total_sent();
  note.body_begin = note.answer_begin + http_head.size();
  note.status_class = static_cast<std::uint8_t>(head.status / 100);
  note.streaming = true;
  HYDRAPOOL_FAILPOINT("cgi.stream_noted");
  const std::uint64_t consume = note.feeds ? 0 : RequestLeft();
  const bool done = note.framed_by_length && note.body_length == 0;
  return Transmit({.prefix = static_cast<std::uint32_t>(http_head.size()),
                   .consume = static_cast<std::uint32_t>(consume),
                   .then = done ? End(consume) : Then::kMore,
                   .kind = note.status_class});
}

Courier::Next Courier::StreamOn(const Output& output) {
  const CourierNotes& note = notes();
  std::uint64_t size = output.available;
  bool last = false;
  if (note.framed_by_length) {
    const std::uint64_t left = note.body_length - (connection_.total_sent() - note.body_begin);
    size = std::min(size, left);
    last = size == left;
  } else {
    last = output.ended;
  }
  const bool broken_off = output.ended && !last && size == output.available;
  if (last || broken_off) {
    if (output.ended && !ExitKnown()) return Next::kWait;
    if (broken_off || (output.ended && Crashed())) {
      sys::log::Warn("{}: {} in the middle of its answer", name_, Crashed() ? "crashed" : "ended");
      over_ = true;
      connection_.Abort();
      return Next::kWait;
    }
  }
  if (size == 0 && !last) return Next::kWait;
  HYDRAPOOL_FAILPOINT("cgi.streaming");
  std::string prefix;
  std::string suffix;
  if (!note.framed_by_length) {
    if (size > 0) {
      http::AppendChunkHeader(prefix, size);
      suffix = http::kChunkEnd;
    }
    if (last) suffix += http::kLastChunk;
  }
  char* at = connection_.slab().data();
  std::memcpy(at, prefix.data(), prefix.size());
  std::memcpy(at + prefix.size(), suffix.data(), suffix.size());
  return Transmit({.prefix = static_cast<std::uint32_t>(prefix.size()),
                   .spliced = static_cast<std::uint32_t>(size),
                   .suffix = static_cast<std::uint32_t>(suffix.size()),
                   .then = last ? End(0) : Then::kMore,
                   .kind = note.status_class});
}

// For a client that knows no chunks: the whole output, to tell its length.
Courier::Next Courier::Spool(const Output& output) {
  if (!spools_here_) {
    connection_.CountAbandoned();
    return Refuse(502, "the program's output was lost with its worker");
  }
  if (output.available > 0) {
    if (!share_.Take(output.available)) return Refuse(503, "too many answers wait to be whole");
    const std::size_t before = spooled_.size();
    spooled_.resize(before + output.available);
    const ssize_t count =
        ::read(connection_.end(pool::ProcessEnd::kOutput), spooled_.data() + before, output.available);
    spooled_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (spooled_.size() > kMaxSpool)
      return Refuse(502, "the program's output is too large for a client of HTTP/1.0");
    return Next::kAgain;
  }
  if (!output.ended || !ExitKnown()) return Next::kWait;
  if (Crashed()) return Refuse(502, "the program crashed");
  const auto parsed = ParseResponseHead(spooled_);
  const auto* head = std::get_if<ResponseHead>(&parsed);
  if (head == nullptr) return Refuse(502, "the program's output has no head");
  if (head->content_length && spooled_.size() < head->head_size + *head->content_length) {
    return Refuse(502, "the program's output is shorter than it promised");
  }
  const std::uint64_t consume = notes().feeds ? 0 : RequestLeft();
  const bool keep = End(consume) == Then::kDone;
  std::string answer = HttpHead(*head, spooled_.size() - head->head_size, false, keep);
  answer.append(spooled_, head->head_size);
  over_ = true;
  connection_.Answer({.consume = consume,
                      .bytes = std::move(answer),
                      .keep_open = keep,
                      .kind = static_cast<std::uint8_t>(head->status / 100)});
  return Next::kWait;
}

}  // namespace cgi
