#include "pool/cgi/spooler.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>

#include "pool/http/response_writer.h"

namespace hydrapool::cgi {

using Progress = Exchange::Progress;

sys::UniqueFd MemoryFile() { return sys::UniqueFd(::memfd_create("request body", MFD_CLOEXEC)); }

Spooler::Spooler(Exchange& exchange, BodyTaker& taker, SpoolBudget& budget, Plan plan)
    : exchange_(exchange),
      taker_(taker),
      plan_(std::move(plan)),
      share_(budget),
      body_(budget),
      file_(MemoryFile()),
      buffer_(32 * 1024) {
  turn_ = exchange_.At(0, [this] { OnStepDone(); });
}

void Spooler::OnStepDone() {
  if (over_) return;
  if (!file_) return Refuse(503, "no memory for the request's body");
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
  if (!over_) Refuse(408, "the request's body did not come in time");
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
    length_ += data.size();
    const bool fits = length_ <= plan_.most;
    const bool written =
        !fits || (share_.Take(data.size()) &&
                  ::write(file_.get(), data.data(), data.size()) == static_cast<ssize_t>(data.size()));
    exchange_.Consume(static_cast<std::uint32_t>(progress.consumed));
    moved += progress.consumed;
    if (progress.state == http::ChunkedDecoder::State::kBad)
      return Refuse(400, "the request's chunks are malformed");
    if (!fits) return Refuse(413, "the request's body is too large");
    if (!written) return Refuse(503, "no memory for the request's body");
    if (progress.state == http::ChunkedDecoder::State::kDone) return Finish();
  }
}

void Spooler::Finish() {
  over_ = true;
  buffer_ = {};
  body_.reset();
  CourierNotes& notes = NotesOf(exchange_);
  notes.request_total = exchange_.total_consumed() - notes.request_begin;
  Begun begun = taker_.TakeBody(exchange_, plan_.head, std::move(file_), length_);
  if (auto* reply = std::get_if<Reply>(&begun)) {
    exchange_.Answer(std::move(*reply));
  } else {
    exchange_.Become(std::move(std::get<std::unique_ptr<Execution>>(begun)));
  }
}

void Spooler::Refuse(int status, std::string_view why) {
  over_ = true;
  exchange_.Answer(
      {.bytes = http::ErrorResponse(status, false, NotesOf(exchange_).head_request, why, plan_.date),
       .keep_open = false,
       .kind = static_cast<std::uint8_t>(status / 100)});
}

}  // namespace hydrapool::cgi
