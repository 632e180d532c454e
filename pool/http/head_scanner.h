#pragma once

#include <cstddef>
#include <string_view>
#include <variant>

#include "pool/http/limits.h"
#include "pool/http/refusal.h"

namespace hydrapool::http {

/// Where a head lies within the bytes that were scanned.
struct HeadExtent {
  std::size_t begin;     ///< of the request line: 0, or what empty lines take before it
  std::size_t end;       ///< one past the empty line
  int minor_version;     ///< HTTP/1.minor: 0 or 1
  std::size_t minor_at;  ///< where the digit of it stands
};

/// The strict layer over raw bytes (RFC 9112, sections 2 to 5): looks at every byte of a head once, from left
/// to right, and stops at the first that may not be where it is. Lines end in CRLF and nothing else; no
/// control characters, no folded lines, no blank before a colon; a method is a token, a target visible ASCII
/// without '#' (with Limits::raw_targets, bytes past 0x7f too), the version 1.0, or 1.1 and
/// later, which is taken for 1.1 (RFC 9110, section 6.2).
///
/// Adding bytes never changes a decision already made; only NeedMore may become another. What the fields mean
/// is not looked at: that is request_rules.h.
std::variant<NeedMore, HeadExtent, Refusal> ScanHead(std::string_view bytes, const Limits& limits);

}  // namespace hydrapool::http
