// The answer's way: from the program's output to the client, whole or as a stream.
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "pool/cgi/answer_head.h"
#include "pool/cgi/courier.h"
#include "pool/http/response_writer.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"

namespace hydrapool::cgi {
namespace {

using Then = hydrapool::Transmission::Then;

constexpr std::size_t kHeadAt = 32 * 1024;  // where the CGI's own head lies in the slab
static_assert(kHeadAt + kMaxResponseHead <= hydrapool::LeaseTable::kSlab);

}  // namespace

// Moves the CGI's head out of its pipe into the slab. The bytes there tell whether the read has happened:
// they are zeroed before, and a head holds no zero; so a death on either side of the read is seen by whoever
// takes over.
bool Courier::TakeHead() {
  char* at = connection_.slab().data() + kHeadAt;
  const std::uint32_t size = notes().cgi_head;
  if (at[size - 1] != '\0') return true;
  HYDRAPOOL_FAILPOINT("cgi.head_noted");
  const ssize_t count = ::read(connection_.end(hydrapool::ProcessEnd::kOutput), at, size);
  HYDRAPOOL_FAILPOINT("cgi.head_taken");
  return count == static_cast<ssize_t>(size);
}

std::string Courier::Head(const ResponseHead& head, std::optional<std::uint64_t> length, bool chunked,
                          bool keep) {
  return AnswerHead(head, {.length = length,
                           .chunked = chunked,
                           .keep_alive = keep,
                           .http_1_1 = notes().may_chunk,
                           .date = tools_.date.At(connection_.loop().now()),
                           .extra_lines = tools_.extra_lines()});
}

Courier::Next Courier::BeginAnswer(const Output& output) {
  const int pipe = connection_.end(hydrapool::ProcessEnd::kOutput);
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
      timer_ = connection_.At(sys::Now() + kHoldBack, [this] {
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

Courier::Next Courier::AnswerWhole(const ResponseHead& head, std::string_view body) {
  const bool bodyless = notes().head_request || IsBodyless(head.status);
  std::optional<std::uint64_t> length = body.size();
  if (notes().head_request) length = head.content_length;
  const std::uint64_t consume = LeftToConsume();
  std::string answer = Head(head, length, false, End(consume) == Then::kDone);
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
  const bool bodyless = IsBodyless(head.status);
  const std::string http_head =
      Head(head, length, !length, notes().keep_alive && !connection_.IsLast(LeftToConsume()));
  std::memcpy(connection_.slab().data(), http_head.data(), http_head.size());
  note.framed_by_length = length.has_value() || bodyless;
  note.body_length = bodyless ? 0 : length.value_or(0);
  note.answer_begin = connection_.total_sent();
  note.body_begin = note.answer_begin + http_head.size();
  note.status_class = static_cast<std::uint8_t>(head.status / 100);
  note.streaming = true;
  HYDRAPOOL_FAILPOINT("cgi.stream_noted");
  const std::uint64_t consume = LeftToConsume();
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
        ::read(connection_.end(hydrapool::ProcessEnd::kOutput), spooled_.data() + before, output.available);
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
  const std::uint64_t consume = LeftToConsume();
  const bool keep = End(consume) == Then::kDone;
  std::string answer = Head(*head, spooled_.size() - head->head_size, false, keep);
  answer.append(spooled_, head->head_size);
  over_ = true;
  connection_.Answer({.consume = consume,
                      .bytes = std::move(answer),
                      .keep_open = keep,
                      .kind = static_cast<std::uint8_t>(head->status / 100)});
  return Next::kWait;
}

}  // namespace hydrapool::cgi
