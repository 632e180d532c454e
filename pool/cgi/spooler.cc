#include "pool/cgi/spooler.h"

#include <cstring>
#include <string>
#include <utility>

#include "pool/cgi/courier_plan.h"
#include "pool/http/response_writer.h"
#include "pool/sys/log.h"

namespace hydrapool::cgi {

using Progress = Exchange::Progress;

Spooler::Spooler(Exchange& exchange, BodyTaker& taker, SpoolBudget& budget, Plan plan)
    : exchange_(exchange),
      taker_(taker),
      plan_(std::move(plan)),
      body_(budget),
      file_(plan_.directory),
      buffer_(32 * 1024),
      came_before_(exchange.total_consumed()) {
  turn_ = exchange_.At(0, [this] { OnStepDone(); });
}

void Spooler::OnStepDone() {
  if (over_) return;
  if (std::exchange(plan_.send_continue, false)) {
    std::memcpy(exchange_.buffer().data(), http::kContinue.data(), http::kContinue.size());
    const auto size = static_cast<std::uint32_t>(http::kContinue.size());
    if (exchange_.Send({.prefix = size, .then = Transmission::Then::kMore, .interim = true}) !=
        Progress::kComplete)
      return;
  }
  if (!std::exchange(begun_, true)) {
    exchange_.BeginOnce();
    exchange_.Consume(NotesOf(exchange_).request_head);
  }
  Read();
}

void Spooler::OnReadable() {
  if (begun_ && !over_) Read();
}

void Spooler::OnDeadline() {
  if (over_) return;
  const std::uint64_t came =
      exchange_.total_consumed() - std::exchange(came_before_, exchange_.total_consumed());
  const sys::Nanos patience = NotesOf(exchange_).patience;
  if (came <= static_cast<std::uint64_t>(patience / sys::kSecond) * kLeastUpload)
    return Refuse(408, "the request's body did not come in time");
  exchange_.SetDeadline(sys::Now() + patience);
}

void Spooler::Read() {
  std::size_t moved = 0;
  while (const auto seen = exchange_.Peek(buffer_)) {
    if (moved >= kTurn) {
      turn_ = exchange_.At(0, [this] { OnReadable(); });
      return;
    }
    if (*seen == 0) {
      over_ = true;
      return exchange_.Abort();
    }
    std::string data;  // chunks may be of one byte: one write for all that was seen
    data.reserve(*seen);
    const auto progress =
        decoder_.Feed({buffer_.data(), *seen}, [&](std::string_view piece) { data += piece; });
    const bool fits = data.size() <= plan_.most - file_.size();
    const bool written = !fits || file_.Append(data);
    exchange_.Consume(static_cast<std::uint32_t>(progress.consumed));
    moved += progress.consumed;
    if (progress.state == http::ChunkedDecoder::State::kBad)
      return Refuse(400, "the request's chunks are malformed");
    if (!fits) return Refuse(413, "the request's body is too large");
    if (!written) return Refuse(503, "no room for the request's body");
    if (progress.state == http::ChunkedDecoder::State::kDone) return Finish();
  }
}

void Spooler::Finish() {
  over_ = true;
  buffer_ = {};
  body_.reset();
  CourierNotes& notes = NotesOf(exchange_);
  notes.request_total = exchange_.total_consumed() - notes.request_begin;
  const std::uint64_t length = file_.size();
  Begun begun = taker_.TakeBody(exchange_, plan_.head, file_.Take(), length);
  if (auto* reply = std::get_if<Reply>(&begun)) {
    exchange_.Answer(std::move(*reply));
  } else {
    exchange_.Become(std::move(std::get<std::unique_ptr<Execution>>(begun)));
  }
}

void Spooler::Refuse(int status, std::string_view why) {
  over_ = true;
  sys::log::Warn("{}: {}: {}", plan_.name, status, why);
  exchange_.Answer(
      {.bytes = http::ErrorResponse(status, false, NotesOf(exchange_).head_request, why, plan_.date),
       .keep_open = false,
       .kind = static_cast<std::uint8_t>(status / 100)});
}

}  // namespace hydrapool::cgi
