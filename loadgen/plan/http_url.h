#pragma once

#include <string>

#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// A URL in parts.
struct HttpUrl {
  std::string full;       ///< Whole, with its scheme, without the user.
  std::string scheme;     ///< "http" or "https"
  std::string host;       ///< Without the brackets of an IPv6 address.
  std::string port;       ///< Always there.
  std::string authority;  ///< As in a Host header: the port is left out where it is the scheme's.
  std::string target;     ///< Path and query, as in a request line; at least "/".
  std::string user;       ///< "user:password" that stood before the host, decoded; empty where nothing did.
};

/// What dot segments in a path become.
enum class Dots {
  kRemoved,  ///< As RFC 3986 has it.
  kAsTheyAre,
};

/// Takes a URL apart. Without a scheme it is http (a number alone is no URL then), or, where there is a
/// `base`, relative to that (RFC 3986, 5). Blanks and what is not ASCII become "%20" and the like. Pure.
/// (libcurl's parser: RFC 3986 with dot segments removed, but where a "{line:FILE}" stands in it, which is
/// left as it is.)
sys::Result<HttpUrl> ParseHttpUrl(const std::string& text, const std::string& base = {},
                                  Dots dots = Dots::kRemoved);

/// A "{line:FILE}" stands in it.
inline bool HasLines(std::string_view url) { return url.find("{line:") != url.npos; }

/// What the plan wants of dot segments.
inline Dots DotsOf(const Plan& plan) { return plan.wire.path_as_is ? Dots::kAsTheyAre : Dots::kRemoved; }

/// `text` without what stands between a scheme and an '@' in it, as in "'http://ann:secret@h:x/' is no URL",
/// so that it can be shown. Pure.
std::string WithoutUsers(std::string text);

}  // namespace hydrapool::loadgen
