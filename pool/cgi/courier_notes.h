#pragma once

#include <cstdint>

#include "pool/sys/clock.h"
#include "pool/worker/connection.h"

namespace hydrapool::cgi {

/// What a courier keeps in its lease's notes, so that another can take over where it stands. Written before
/// what it tells of is done; what it does not tell is read off the kernel's pipes and counters.
struct CourierNotes {
  std::uint64_t request_total = 0;  ///< the request's bytes: head, and body where its length is known
  std::uint64_t request_begin = 0;  ///< consumed before it, on the connection
  std::uint64_t sent_begin = 0;     ///< sent before the request was begun
  std::uint64_t answer_begin = 0;   ///< sent before the answer, on the connection; from `streaming` on
  std::uint64_t body_begin = 0;     ///< and before its body
  std::uint64_t body_length = 0;    ///< of the answer, with `framed_by_length`
  sys::Nanos patience = 0;          ///< how long the program may let its client wait, each time
  std::uint64_t timed_at = 0;       ///< bytes moved on the connection when the deadline was set
  std::uint32_t request_head = 0;   ///< size of the request's head
  std::uint32_t cgi_head = 0;       ///< size of the CGI's own head once it is being taken out of the pipe
  std::uint8_t status_class = 0;    ///< of the answer, from `streaming` on
  bool keep_alive = false;
  bool head_request = false;
  bool may_chunk = true;
  bool feeds = false;           ///< the body goes through a pipe, piece by piece
  bool wants_continue = false;  ///< "100 Continue" comes before the body
  bool framed_by_length = false;
  bool streaming = false;  ///< the answer goes out piece by piece
  bool spooling = false;   ///< output is being taken into this worker's memory: it dies with it
};

/// The notes of a connection whose request is answered by a process.
inline CourierNotes& NotesOf(const hydrapool::Connection& connection) {
  return *reinterpret_cast<CourierNotes*>(connection.notes().data());
}

static_assert(sizeof(CourierNotes) <= sizeof(hydrapool::LeaseDetail::handler));

}  // namespace hydrapool::cgi
