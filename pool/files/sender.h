#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "hydrapool/connection.h"
#include "pool/files/answer.h"
#include "pool/worker/request_process.h"

namespace hydrapool::files {

/// What a sender keeps in its lease's notes. The text of the answer's pieces lies behind one another in the
/// exchange's buffer, from kTextAt on; the file is the one that the parent holds (RequestProcess::HoldBody).
struct FileNotes {
  /// Whose notes these are: cgi::CourierNotes have a count of bytes there.
  static constexpr std::uint64_t kTag = UINT64_MAX;

  std::uint64_t tag = kTag;
  std::uint64_t answer_begin = 0;   ///< sent before it, on the connection
  std::uint64_t request_begin = 0;  ///< consumed before the request
  std::array<ByteRange, kMostRanges> parts{};
  std::array<std::uint32_t, kMostRanges + 1> texts{};  ///< sizes; the last one's is that of the answer's end
  std::uint32_t request = 0;                           ///< bytes of it
  std::uint8_t pieces = 0;
  std::uint8_t status_class = 0;
  bool keep_alive = false;
};
static_assert(sizeof(FileNotes) <= Connection::kNotes);

inline constexpr std::size_t kTextAt = std::size_t{40} * 1024;
inline constexpr std::size_t kMostText = std::size_t{16} * 1024;

/// Whether the request in hand has notes of a sender.
[[nodiscard]] inline bool HasFileNotes(const Connection& connection) {
  return connection.notes<std::uint64_t>() == FileNotes::kTag;
}

/// Writes notes and text for an answer whose text has at most kMostText bytes. Before
/// RequestProcess::HoldBody.
void NoteAnswer(Exchange& exchange, const Answer& answer, std::size_t request, bool keep_alive);

/// Sends an answer of text and parts of a file, in steps of two megabytes: each is a place in the answer,
/// which is read off what has been sent, so another worker goes on at the very byte. By sendfile(2); where
/// the kernel does not count a socket's bytes, from copies in the buffer, which are exact there too.
///
/// A file that became shorter meanwhile is a cut.
class FileSender final : public Execution {
 public:
  explicit FileSender(Exchange& exchange);
  /// Begins with the next round of the loop. Not for one that takes over.
  void Start();

  void OnStepDone() override;
  void OnDeadline() override { exchange_.Abort(); }

 private:
  /// What comes next: text that is left of a piece, and so much of its part.
  struct Place {
    std::size_t piece = 0;
    std::size_t text_at = 0;  ///< in the buffer
    std::uint32_t text = 0;
    ByteRange part{};
    bool last = false;  ///< nothing is left of the answer behind the part but its end
  };
  [[nodiscard]] Place PlaceAt(std::uint64_t sent) const;
  bool SendNext();
  [[nodiscard]] bool Copy(Transmission& next, const ByteRange& part);

  Exchange& exchange_;
  const FileNotes& notes_;
  const bool copies_;
  bool over_ = false;
  EventLoop::Timer turn_;
};

}  // namespace hydrapool::files
