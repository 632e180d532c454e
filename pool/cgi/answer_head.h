#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pool/cgi/response_head.h"

namespace hydrapool::cgi {

/// How an answer is framed and what every answer carries.
struct AnswerFrame {
  std::optional<std::uint64_t> length =
      {};  ///< of the body; nullopt: by chunks or the connection's end, or not known (HEAD)
  bool chunked = false;
  bool to_the_end = false;  ///< by the connection's end: then not keep_alive
  bool keep_alive = true;
  bool http_1_1 = true;               ///< the client's version; 1.0 otherwise
  std::string_view date = {};         ///< used where the program gave none
  std::string_view extra_lines = {};  ///< whole lines of our own
};

/// No body comes with these, whatever the program says (RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5).
inline bool IsBodyless(int status) { return status == 204 || status == 205 || status == 304; }

/// What the client gets.
int StatusOf(const ResponseHead& head);

/// The HTTP head for a CGI program's head (RFC 3875, section 6): its fields but for `Server`, its `Location`,
/// and the framing, which is ours. A local redirect that no program of ours answers is a 302.
std::string AnswerHead(const ResponseHead& head, const AnswerFrame& frame);

}  // namespace hydrapool::cgi
