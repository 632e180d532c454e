// An output that its program has coded in chunks: its framing is taken out of the pipe, and its data goes on
// from there as any other does.
//
// How far the coding is lies in the notes, CourierNotes::spool: `at` is what will have been sent then. A note
// of `size` 1 tells of the same place once the framing there is taken out of the pipe: it holds if
// CourierNotes::head_taken is not zero, into which the last byte of that framing is read. So a death on
// either side of the read is seen, as with the program's head.
#include <sys/uio.h>

#include <array>
#include <atomic>

#include "pool/cgi/courier.h"
#include "pool/sys/failpoint.h"

namespace hydrapool::cgi {
namespace {

using State = CodingSeen::State;

constexpr std::uint64_t kNowhere = UINT64_MAX;

void Write(SpoolNote& note, const SpoolNote& value) {
  note.at = kNowhere;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  note.size = value.size;
  note.decoder = value.decoder;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  note.at = value.at;
}

State StateOf(http::ChunkedDecoder::State state) {
  switch (state) {
    case http::ChunkedDecoder::State::kDone:
      return State::kDone;
    case http::ChunkedDecoder::State::kBad:
      return State::kBad;
    case http::ChunkedDecoder::State::kNeedMore:
      break;
  }
  return State::kGoesOn;
}

}  // namespace

/// The note that holds.
std::size_t Courier::CodingNote() const {
  const std::uint64_t sent = exchange_.total_sent();
  const auto& banks = notes().spool;
  for (const std::size_t i : {0u, 1u}) {
    if (banks[i].at == sent && banks[i].size == 1 && notes().head_taken != '\0') return i;
  }
  return banks[0].at == sent && banks[0].size == 0 ? 0 : 1;
}

void Courier::BeginCoding(std::uint64_t at) {
  Write(notes().spool[0], {.at = at, .size = 0, .decoder = {}});
  notes().spool[1].at = kNowhere;
}

CodingSeen Courier::LookAtCoding(std::string_view shown) const {
  if (notes().stage == CourierNotes::Stage::kAsked) {
    CodingSeen all;
    const auto progress =
        http::ChunkedDecoder().Feed(shown, [&all](std::string_view data) { all.data += data.size(); });
    all.state = StateOf(progress.state);
    return all;
  }
  http::ChunkedDecoder decoder = notes().spool[CodingNote()].decoder;
  const auto piece = decoder.Next(shown);
  return {.state = StateOf(piece.state),
          .framing = piece.consumed - piece.data.size(),
          .data = piece.data.size()};
}

void Courier::TakeFraming(std::uint64_t size) {
  CourierNotes& note = notes();
  const std::size_t here = CodingNote();
  http::ChunkedDecoder decoder = note.spool[here].decoder;
  decoder.Next(tools_.seen().substr(0, size));
  note.head_taken = '\0';
  std::atomic_signal_fence(std::memory_order_seq_cst);
  Write(note.spool[1 - here], {.at = exchange_.total_sent(), .size = 1, .decoder = decoder});
  HYDRAPOOL_FAILPOINT("cgi.framing_noted");
  const auto scratch = tools_.scratch();
  const std::array<iovec, 2> into{{{scratch.data(), size - 1}, {&note.head_taken, 1}}};
  const ssize_t count = ::readv(output(), into.data(), static_cast<int>(into.size()));
  HYDRAPOOL_FAILPOINT("cgi.framing_taken");
  if (count != static_cast<ssize_t>(size)) Cut("its output cannot be read");
}

/// Before `size` bytes of data are sent: how far the coding is when they are.
void Courier::NoteCoding(std::uint64_t size, std::uint64_t at) {
  const std::size_t here = CodingNote();
  http::ChunkedDecoder decoder = notes().spool[here].decoder;
  decoder.Next(tools_.seen().substr(0, size));
  Write(notes().spool[1 - here], {.at = at, .size = 0, .decoder = decoder});
}

}  // namespace hydrapool::cgi
