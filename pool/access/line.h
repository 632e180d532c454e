#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "pool/access/entry.h"
#include "pool/sys/clock.h"

namespace hydrapool::access {

enum class Format : std::uint8_t { kCombined, kJson };

/// What a line says beside the entry.
struct Outcome {
  std::uint64_t sent = 0;  ///< bytes of the answer, its head too
  bool cut = false;        ///< the answer is not whole
  sys::Nanos duration = 0;
  std::int64_t ended_at = 0;      ///< nanoseconds since 1970
  std::uint32_t worker = 0;       ///< slot,
  std::uint32_t incarnation = 0;  ///< and which of its lives has finished the answer
  bool rescued = false;           ///< not the one that has begun the request
  std::optional<int> exit = {};   ///< of the program, if it has ended: its code, or 256 + signal
};

/// Longer than any line.
inline constexpr std::size_t kLongestAccessLine = 4096;

/// The line of a request, with its newline.
///
/// Combined, as httpd and nginx write it: the bytes are those of the body, and the time is that of the
/// request's begin. JSON: `bytes` too, and `sent` all that has left; what is not known is left out; text that
/// is no UTF-8 has its wrong bytes as "\\xHH". Control characters, quotes and backslashes are escaped, and a
/// text that does not fit its place ends with "...". A status of 499: the client has left before it had any
/// answer.
[[nodiscard]] std::string LineOf(Format format, const Entry& entry, const Outcome& outcome);

}  // namespace hydrapool::access
