#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "pool/http/response_reader.h"

namespace {

struct Reading {
  std::size_t consumed = 0;
  bool done = false;
  bool malformed = false;
  int status = 0;
  bool keep_alive = false;
  std::uint64_t head_bytes = 0;
  std::uint64_t body_bytes = 0;
  std::string worker;
  bool operator==(const Reading&) const = default;
};

Reading Read(std::string_view bytes, bool to_head, std::size_t step) {
  hydrapool::http::ResponseReader parser("X-Worker");
  parser.Begin(to_head);
  Reading reading;
  for (std::size_t at = 0; at < bytes.size() && !parser.done() && !parser.malformed(); at += step) {
    const auto piece = bytes.substr(at, step);
    const auto used = parser.Feed(piece);
    if (used > piece.size()) std::abort();
    if (used < piece.size() && !parser.done() && !parser.malformed()) std::abort();
    reading.consumed += used;
  }
  if (!parser.done() && !parser.malformed()) parser.Close();
  reading.done = parser.done();
  reading.malformed = parser.malformed();
  if (!reading.done) return reading;  // of what is not whole only that counts
  reading.status = parser.status();
  reading.keep_alive = parser.keep_alive();
  reading.head_bytes = parser.head_bytes();
  reading.body_bytes = parser.body_bytes();
  reading.worker = parser.kept();
  return reading;
}

}  // namespace

/// However a response arrives, the same is read, and never more than there was. The first byte says whether
/// it answers HEAD.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool to_head = (data[0] & 1) != 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Reading whole = Read(bytes, to_head, std::max<std::size_t>(bytes.size(), 1));
  if (whole.done && whole.head_bytes + whole.body_bytes > whole.consumed) std::abort();
  if (whole.done && (whole.status < 200 || whole.status > 999)) std::abort();
  for (const std::size_t step : {1u, 2u, 3u, 7u}) {
    Reading pieces = Read(bytes, to_head, step);
    if (whole.malformed) pieces.consumed = whole.consumed;
    if (pieces != whole) std::abort();
  }
  return 0;
}
