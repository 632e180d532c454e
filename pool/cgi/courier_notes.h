#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "pool/http/chunked_decoder.h"
#include "pool/sys/clock.h"

namespace hydrapool {
class Exchange;
}  // namespace hydrapool

namespace hydrapool::cgi {

/// How the client is told where an answer's body ends (RFC 9112, section 6.3).
enum class Framing : std::uint8_t {
  kNone,    ///< there is no body: HEAD, 204, 304
  kLength,  ///< Content-Length
  kChunks,  ///< chunks
  kClose,   ///< the connection's end: HTTP/1.0 where the length is not known, and nph- programs
};

/// How far a body has been made whole when `at` bytes of the connection were consumed.
struct SpoolNote {
  std::uint64_t at = 0;
  std::uint64_t size = 0;  ///< of what its file holds
  http::ChunkedDecoder decoder;
};

/// What a courier keeps in its lease's notes, so that another can take over where it stands. Written before
/// what it tells of is done; what it does not tell is read off the kernel's pipes and counters.
struct CourierNotes {
  /// Before the request is begun: what will have been sent once "100 Continue" has; 0: it was not asked for.
  std::uint64_t continue_sent = 0;
  /// kAsked: nothing of the answer is decided. kAnswering: it goes out piece by piece, its head first, which
  /// lies in the slab until it is sent.
  enum class Stage : std::uint8_t { kAsked, kAnswering };

  std::uint64_t request_total = 0;  ///< the request's bytes: head, and body where its length is known
  std::uint64_t request_begin = 0;  ///< consumed before it, on the connection
  std::uint64_t sent_begin = 0;     ///< sent before the request was begun
  std::uint64_t answer_begin = 0;   ///< sent before the answer, on the connection
  std::uint64_t body_length = 0;    ///< of the answer, with Framing::kLength
  sys::Nanos patience = 0;          ///< how long the program may let its client wait, each time
  std::uint64_t timed_at = 0;       ///< bytes moved on the connection when the deadline was set
  std::uint32_t request_head = 0;   ///< size of the request's head
  std::uint32_t cgi_head = 0;       ///< size of the program's own head, at the beginning of its output
  std::uint32_t http_head = 0;      ///< size of the answer's head
  Stage stage = Stage::kAsked;
  Framing framing = Framing::kNone;
  std::uint8_t status_class = 0;  ///< of the answer
  std::uint8_t redirects = 0;     ///< local ones that led to this program
  bool raw = false;               ///< the program's output is the answer as it is: nph-
  char head_taken = '\0';         ///< the last byte of the program's head, once it is out of the pipe
  bool keep_alive = false;
  bool head_request = false;
  bool may_chunk = true;
  bool feeds = false;           ///< the body goes through a pipe, piece by piece
  bool wants_continue = false;  ///< "100 Continue" comes before the body
  bool spools = false;          ///< the body is made whole in a file before the program starts
  bool coded = false;           ///< the program codes its output in chunks
  bool output_closed = false;   ///< the program closed its output and lived on: how it ends does not matter
  bool awaits_body = false;     ///< before the request is begun: the rest of its body is to come
  std::uint32_t location = 0;  ///< size of the path that a local redirect leads to, behind the request's head
  /// While it spools: the one whose `at` is what is consumed holds. The other one is written before the bytes
  /// that it tells of are consumed. While a coded output is sent: courier_chunks.cc.
  std::array<SpoolNote, 2> spool{};
};

/// The head of a request whose body is not peeked at lies here in the exchange's buffer until the answer
/// begins: a local redirect wants it again, and so does whoever goes on with a body that is made whole.
inline constexpr std::size_t kRequestHeadAt = 1024;

/// The notes of an exchange whose request is a CGI program's.
CourierNotes& NotesOf(const Exchange& exchange);

}  // namespace hydrapool::cgi
