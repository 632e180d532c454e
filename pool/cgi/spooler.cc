#include "pool/cgi/spooler.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "pool/http/response_writer.h"

namespace hydrapool::cgi {

using Progress = hydrapool::Connection::Progress;

sys::UniqueFd MemoryFile() { return sys::UniqueFd(::memfd_create("request body", MFD_CLOEXEC)); }

Spooler::Spooler(hydrapool::Connection& connection, SpoolBudget& budget, std::uint64_t most,
                 bool send_continue, std::string_view date, Then then)
    : connection_(connection),
      share_(budget),
      body_(budget),
      most_(most),
      date_(date),
      then_(std::move(then)),
      file_(MemoryFile()),
      buffer_(32 * 1024),
      send_continue_(send_continue) {
  start_ = connection_.At(0, [this] { OnStepDone(); });
}

void Spooler::OnStepDone() {
  if (next_) return next_->OnStepDone();
  if (over_) return;
  if (!file_) return Refuse(503, "no memory for the request's body");
  if (std::exchange(send_continue_, false)) {
    std::memcpy(connection_.slab().data(), http::kContinue.data(), http::kContinue.size());
    const auto size = static_cast<std::uint32_t>(http::kContinue.size());
    if (connection_.Send({.prefix = size, .then = hydrapool::Transmission::Then::kMore, .interim = true}) !=
        Progress::kComplete)
      return;
  }
  if (!std::exchange(begun_, true)) {
    connection_.BeginOnce();
    connection_.Consume(NotesOf(connection_).request_head);
  }
  Read();
}

void Spooler::OnReadable() {
  if (next_) return next_->OnReadable();
  if (begun_ && !over_) Read();
}

void Spooler::OnProcessEnd() {
  if (next_) next_->OnProcessEnd();
}

void Spooler::OnDeadline() {
  if (next_) return next_->OnDeadline();
  if (!over_) Refuse(408, "the request's body did not come in time");
}

void Spooler::Read() {
  while (const auto seen = connection_.Peek(buffer_)) {
    if (*seen == 0) {
      over_ = true;
      return connection_.Abort();
    }
    bool written = true;
    const auto progress = decoder_.Feed({buffer_.data(), *seen}, [&](std::string_view data) {
      length_ += data.size();
      if (length_ > most_) return;
      written = written && share_.Take(data.size());
      written =
          written && ::write(file_.get(), data.data(), data.size()) == static_cast<ssize_t>(data.size());
    });
    connection_.Consume(static_cast<std::uint32_t>(progress.consumed));
    if (progress.state == http::ChunkedDecoder::State::kBad)
      return Refuse(400, "the request's chunks are malformed");
    if (length_ > most_) return Refuse(413, "the request's body is too large");
    if (!written) return Refuse(503, "no memory for the request's body");
    if (progress.state == http::ChunkedDecoder::State::kDone) return Finish();
  }
}

void Spooler::Finish() {
  over_ = true;
  buffer_ = {};
  body_.reset();
  CourierNotes& notes = NotesOf(connection_);
  notes.request_total = connection_.total_consumed() - notes.request_begin;
  hydrapool::Begun begun = then_(std::move(file_), length_);
  if (auto* reply = std::get_if<hydrapool::Reply>(&begun)) {
    connection_.Answer(std::move(*reply));
  } else {
    next_ = std::move(std::get<std::unique_ptr<hydrapool::Execution>>(begun));
  }
}

void Spooler::Refuse(int status, std::string_view why) {
  over_ = true;
  connection_.Answer(
      {.bytes = http::ErrorResponse(status, false, NotesOf(connection_).head_request, why, date_),
       .keep_open = false,
       .kind = static_cast<std::uint8_t>(status / 100)});
}

}  // namespace hydrapool::cgi
