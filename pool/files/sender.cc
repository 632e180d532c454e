#include "pool/files/sender.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "pool/shared/lease.h"
#include "pool/sys/failpoint.h"

namespace hydrapool::files {
namespace {

constexpr std::uint64_t kStep = std::uint64_t{2} * 1024 * 1024;
constexpr std::uint64_t kCopied = std::uint64_t{16} * 1024;

}  // namespace

void NoteAnswer(Exchange& exchange, const Answer& answer, std::size_t request, bool keep_alive) {
  FileNotes notes{.answer_begin = exchange.total_sent(),
                  .request_begin = exchange.total_consumed(),
                  .request = static_cast<std::uint32_t>(request),
                  .pieces = static_cast<std::uint8_t>(answer.pieces.size()),
                  .status_class = static_cast<std::uint8_t>(answer.status / 100),
                  .keep_alive = keep_alive};
  char* at = exchange.buffer().data() + kTextAt;
  for (std::size_t i = 0; i < answer.pieces.size(); ++i) {
    const auto& [text, part] = answer.pieces[i];
    notes.parts[i] = part;
    notes.texts[i] = static_cast<std::uint32_t>(text.size());
    at = std::ranges::copy(text, at).out;
  }
  notes.texts.back() = static_cast<std::uint32_t>(answer.end.size());
  std::ranges::copy(answer.end, at);
  exchange.connection().notes<FileNotes>() = notes;
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

FileSender::FileSender(Exchange& exchange)
    : exchange_(exchange),
      notes_(exchange.connection().notes<FileNotes>()),
      copies_(exchange.process().detail().keeps_ledger) {}

void FileSender::Start() {
  turn_ = exchange_.At(0, [this] { OnStepDone(); });
}

void FileSender::OnStepDone() {
  while (!over_ && SendNext()) {
  }
}

FileSender::Place FileSender::PlaceAt(std::uint64_t sent) const {
  Place place{.text_at = kTextAt};
  for (; place.piece < notes_.pieces; ++place.piece) {
    const std::uint32_t text = notes_.texts[place.piece];
    const ByteRange& part = notes_.parts[place.piece];
    place.last = place.piece + 1u == notes_.pieces;
    if (sent < text + part.length || place.last) {
      const auto text_sent = static_cast<std::uint32_t>(std::min<std::uint64_t>(sent, text));
      place.text_at += text_sent;
      place.text = text - text_sent;
      place.part = {part.at + (sent - text_sent), part.length - (sent - text_sent)};
      return place;
    }
    place.text_at += text;
    sent -= text + part.length;
  }
  return place;
}

/// The part's beginning goes into the buffer, behind what is there.
bool FileSender::Copy(Transmission& next, const ByteRange& part) {
  char* const to = exchange_.buffer().data() + next.prefix;
  ssize_t count;
  do {
    count = ::pread(exchange_.process().end(ProcessEnd::kBody), to, part.length, static_cast<off_t>(part.at));
  } while (count < 0 && errno == EINTR);
  next.prefix += static_cast<std::uint32_t>(std::max<ssize_t>(count, 0));
  return count == static_cast<ssize_t>(part.length);
}

/// False: it is under way, or over.
bool FileSender::SendNext() {
  HYDRAPOOL_FAILPOINT("files.sending");
  Place place = PlaceAt(exchange_.total_sent() - notes_.answer_begin);
  const std::uint64_t most = copies_ ? kCopied : kStep;
  const bool last = place.last && place.part.length <= most;
  place.part.length = std::min(place.part.length, most);
  const std::span<char> buffer = exchange_.buffer();
  std::memcpy(buffer.data(), buffer.data() + place.text_at, place.text);
  Transmission next{.prefix = place.text,
                    .consume = exchange_.total_consumed() == notes_.request_begin ? notes_.request : 0,
                    .then = Transmission::Then::kMore,
                    .kind = notes_.status_class};
  if (copies_ && !Copy(next, place.part)) {
    over_ = true;
    exchange_.Abort();
    return false;
  }
  if (!copies_) {
    next.spliced = static_cast<std::uint32_t>(place.part.length);
    next.from_file = true;
    next.file_at = place.part.at;
  }
  if (last) {
    over_ = true;
    next.suffix = notes_.texts.back();
    std::size_t end_at = kTextAt;
    for (std::size_t i = 0; i < notes_.pieces; ++i) end_at += notes_.texts[i];
    std::memcpy(buffer.data() + next.prefix, buffer.data() + end_at, next.suffix);
    const bool keep = notes_.keep_alive && !exchange_.connection().IsLast(next.consume);
    next.then = keep ? Transmission::Then::kDone : Transmission::Then::kDoneAndClose;
  }
  const auto progress = exchange_.Send(next);
  if (progress == Exchange::Progress::kGone) over_ = true;
  return progress == Exchange::Progress::kComplete;
}

}  // namespace hydrapool::files
