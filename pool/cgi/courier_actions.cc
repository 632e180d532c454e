// What a courier does: each function carries out one kind of action.
#include <fcntl.h>
#include <sys/uio.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "pool/access/entry.h"
#include "pool/cgi/answer_head.h"
#include "pool/cgi/courier.h"
#include "pool/http/response_writer.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"

namespace hydrapool::cgi {
namespace {

using Progress = Exchange::Progress;
using Then = Transmission::Then;
using Kind = CourierAction::Kind;

constexpr int kWidePipe = 256 * 1024;

}  // namespace

void Courier::CarryOut(const CourierAction& action) {
  switch (action.kind) {
    case Kind::kWait:
      return;
    case Kind::kPauseFeed:
      process_.PauseFeed();
      return;
    case Kind::kContinue:
      return SendContinue();
    case Kind::kFeed:
      return Feed(action);
    case Kind::kEndInput:
      return process_.CloseEnd(ProcessEnd::kInput);
    case Kind::kWiden:
      return WidenPipe();
    case Kind::kAnswerWhole:
      return AnswerWhole(action);
    case Kind::kRedirect:
      return Redirect();
    case Kind::kBegin:
      return Begin(action);
    case Kind::kSendHead:
      return SendHead(action);
    case Kind::kTakeFraming:
      return TakeFraming(action.bytes);
    case Kind::kSendBody:
      return SendBody(action);
    case Kind::kRefuse:
      return Refuse(action.status, action.why);
    case Kind::kCut:
      return Cut(action.why);
  }
}

void Courier::SendContinue() {
  std::memcpy(exchange_.buffer().data(), http::kContinue.data(), http::kContinue.size());
  Transmit(
      {.prefix = static_cast<std::uint32_t>(http::kContinue.size()), .then = Then::kMore, .interim = true});
}

void Courier::Feed(const CourierAction& action) {
  const auto progress =
      process_.Feed(static_cast<std::uint32_t>(action.discard), static_cast<std::uint32_t>(action.bytes));
  if (progress == Progress::kGone) over_ = true;
}

// Whether the answer is followed by another request, once `consumed_now` more bytes of this one are consumed.
Then Courier::End(std::uint64_t consumed_now) const {
  const bool whole = RequestLeft() == consumed_now;
  return notes().keep_alive && whole && !exchange_.connection().IsLast(consumed_now) ? Then::kDone
                                                                                     : Then::kDoneAndClose;
}

void Courier::Transmit(const Transmission& transmission) {
  if (transmission.then != Then::kMore) {
    over_ = true;
    look_again_.Reset();
    // A program that lives on may still wait for the end of what it has got whole.
    if (notes().feeds && RequestLeft() == 0) process_.CloseEnd(ProcessEnd::kInput);
  }
  const Progress progress = exchange_.Send(transmission);
  if (progress == Progress::kGone) over_ = true;
  if (progress == Progress::kComplete && !over_) Renew();
}

std::string Courier::Head(const CourierAction& action, bool keep) const {
  return AnswerHead(head_, {.length = action.length,
                            .chunked = action.framing == Framing::kChunks,
                            .to_the_end = action.framing == Framing::kClose,
                            .keep_alive = keep && action.framing != Framing::kClose,
                            .http_1_1 = notes().may_chunk,
                            .date = tools_.date.At(exchange_.connection().worker().loop.now()),
                            .extra_lines = tools_.LinesFor(exchange_.connection())});
}

void Courier::AnswerWhole(const CourierAction& action) {
  const std::uint64_t consume = LeftToConsume();
  std::string answer = Head(action, End(consume) == Then::kDone);
  if (action.framing == Framing::kLength) {
    std::string_view body = tools_.seen().substr(head_.head_size);
    std::string decoded;
    if (head_.chunked) {
      http::ChunkedDecoder().Feed(body, decoded);
      body = decoded;
    }
    if (body.size() > *action.length)
      sys::log::Warn("{}: writes more than its Content-Length: cut to that", name_);
    answer += body.substr(0, *action.length);
  }
  if (answer.size() > exchange_.buffer().size()) return Refuse(502, "the program's head is too large");
  std::memcpy(exchange_.buffer().data(), answer.data(), answer.size());
  HYDRAPOOL_FAILPOINT("cgi.answered");
  Transmit({.prefix = static_cast<std::uint32_t>(answer.size()),
            .consume = static_cast<std::uint32_t>(consume),
            .then = End(consume),
            .kind = static_cast<std::uint8_t>(StatusOf(head_) / 100)});
}

void Courier::Begin(const CourierAction& action) {
  const bool keep = notes().keep_alive && !exchange_.connection().IsLast(LeftToConsume());
  const std::string head = notes().raw ? "" : Head(action, keep);
  if (head.size() > exchange_.buffer().size()) return Refuse(502, "the program's head is too large");
  std::memcpy(exchange_.buffer().data(), head.data(), head.size());
  CourierNotes& note = notes();
  note.framing = action.framing;
  note.body_length = action.length.value_or(0);
  note.answer_begin = exchange_.total_sent();
  note.cgi_head = static_cast<std::uint32_t>(head_.head_size);
  note.http_head = static_cast<std::uint32_t>(head.size());
  note.status_class = static_cast<std::uint8_t>(StatusOf(head_) / 100);
  note.head_taken = '\0';
  if (note.raw && exchange_.connection().docket().open())
    access::Entry::Of(exchange_.connection()).status = static_cast<std::uint16_t>(head_.status);
  note.coded = head_.chunked;
  if (note.coded) BeginCoding(note.answer_begin + note.http_head);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  note.stage = CourierNotes::Stage::kAnswering;
  HYDRAPOOL_FAILPOINT("cgi.answer_noted");
}

// From BeginOnce on nothing of the request runs again. Until the first program is let go, a worker that takes
// over comes here again; from then on it finds the path in the buffer.
void Courier::Redirect() {
  CourierNotes& note = notes();
  const std::span<char> place = exchange_.buffer().subspan(kRequestHeadAt + note.request_head);
  if (head_.location.size() > place.size()) return Refuse(502, "the program names too long a path");
  std::memcpy(place.data(), head_.location.data(), head_.location.size());
  over_ = redirected_ = true;
  look_again_.Reset();
  output_watch_.Reset();
  settle_.Reset();
  errors_.watch.Reset();
  if (const int errors = process_.end(ProcessEnd::kErrors); errors >= 0) errors_.log.Drain(errors);
  errors_.log.Finish();
  if (note.location == 0) ++note.redirects;
  note.location = static_cast<std::uint32_t>(head_.location.size());
  note.output_closed = note.wants_continue = false;
  exchange_.BeginOnce();
  process_.SetResumable();
  HYDRAPOOL_FAILPOINT("cgi.redirecting");
  process_.LetGo();
  HYDRAPOOL_FAILPOINT("cgi.redirected");
  Begun begun = redirector_.Redirect(exchange_);
  if (auto* reply = std::get_if<Reply>(&begun)) {
    exchange_.Answer(std::move(*reply));
  } else {
    exchange_.Become(std::move(std::get<std::unique_ptr<Execution>>(begun)));
  }
}

// Moves the program's head out of its pipe. Its last byte goes into the notes, where it was zero before, and
// a head holds no zero: so a death on either side of the read is seen by the worker that takes over.
bool Courier::TakeHead() {
  CourierNotes& note = notes();
  if (note.head_taken != '\0' || note.cgi_head == 0) return true;
  const auto scratch = tools_.scratch();
  const std::array<iovec, 2> into{{{scratch.data(), note.cgi_head - 1}, {&note.head_taken, 1}}};
  HYDRAPOOL_FAILPOINT("cgi.head_noted");
  ssize_t count;
  do {
    count = ::readv(output(), into.data(), static_cast<int>(into.size()));
  } while (count < 0 && errno == EINTR);
  HYDRAPOOL_FAILPOINT("cgi.head_taken");
  return count == static_cast<ssize_t>(note.cgi_head);
}

void Courier::SendHead(const CourierAction& action) {
  if (!TakeHead()) return Refuse(502, "the program's output cannot be read");
  HYDRAPOOL_FAILPOINT("cgi.stream_noted");
  const std::uint64_t consume = LeftToConsume();
  Transmit({.prefix = notes().http_head,
            .consume = static_cast<std::uint32_t>(consume),
            .then = action.last ? End(consume) : Then::kMore,
            .kind = notes().status_class});
}

void Courier::SendBody(const CourierAction& action) {
  const CourierNotes& note = notes();
  HYDRAPOOL_FAILPOINT("cgi.streaming");
  std::string prefix;
  std::string suffix;
  if (note.framing == Framing::kChunks) {
    if (action.bytes > 0) {
      http::AppendChunkHeader(prefix, action.bytes);
      suffix = http::kChunkEnd;
    }
    if (action.last) suffix += http::kLastChunk;
  }
  if (action.last && note.framing == Framing::kLength && seen_.available > action.bytes)
    sys::log::Warn("{}: writes more than its Content-Length: cut to that", name_);
  char* at = exchange_.buffer().data();
  std::memcpy(at, prefix.data(), prefix.size());
  std::memcpy(at + prefix.size(), suffix.data(), suffix.size());
  const Then end = note.framing == Framing::kClose ? Then::kDoneAndClose : End(0);
  const std::uint64_t consume = LeftToConsume();  // none where a head of ours went before
  if (note.coded && action.bytes > 0)
    NoteCoding(action.bytes, exchange_.total_sent() + prefix.size() + action.bytes + suffix.size());
  Transmit({.prefix = static_cast<std::uint32_t>(prefix.size()),
            .spliced = static_cast<std::uint32_t>(action.bytes),
            .suffix = static_cast<std::uint32_t>(suffix.size()),
            .consume = static_cast<std::uint32_t>(consume),
            .then = action.last ? end : Then::kMore,
            .kind = note.status_class});
}

void Courier::Refuse(int status, std::string_view why) {
  sys::log::Warn("{}: {}: {}", name_, status, why);
  over_ = true;
  look_again_.Reset();
  process_.Terminate();
  const std::uint64_t consume = LeftToConsume();
  const bool keep = End(consume) == Then::kDone;
  exchange_.Answer(
      {.consume = consume,
       .bytes = http::ErrorResponse(status, keep, notes().head_request, why,
                                    tools_.date.At(exchange_.connection().worker().loop.now()),
                                    notes().may_chunk ? 1 : 0, tools_.LinesFor(exchange_.connection())),
       .keep_open = keep,
       .kind = static_cast<std::uint8_t>(status / 100)});
}

void Courier::Cut(std::string_view why) {
  sys::log::Warn("{}: {}", name_, why);
  over_ = true;
  look_again_.Reset();
  exchange_.Abort();
}

// A program that flushes its head in small pieces may fill a pipe's slots before its bytes.
void Courier::WidenPipe() {
  ::fcntl(output(), F_SETPIPE_SZ, kWidePipe);
  seen_.widened = true;
}

}  // namespace hydrapool::cgi
