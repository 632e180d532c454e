#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pool/http/request.h"

/// What a request asks of a file beside the file (RFC 9110, sections 13 and 14). Pure functions.
namespace hydrapool::files {

/// By what a file's content is told from another.
struct Validators {
  std::string tag;  ///< strong, with its quotes
  std::time_t modified = 0;
  /// It was modified a second ago at least: no other content has the same date (section 8.8.2.2).
  bool settled = true;
};

enum class Condition : std::uint8_t {
  kHolds,        ///< answer as if none had been set
  kNotModified,  ///< 304
  kFails,        ///< 412
};

/// If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since, in the order of RFC 9110,
/// section 13.2.2, for a GET or HEAD. A date that is none is no condition.
[[nodiscard]] Condition Evaluate(const http::Request& request, const Validators& file);

/// Whether Range counts: there is no If-Range, or it names the file as it is (section 13.1.5). By a date only
/// a file that is settled. That the date was no weaker when the client got it is the client's to see to: it
/// knows the Date that came with it.
[[nodiscard]] bool RangeCounts(const http::Request& request, const Validators& file);

/// The seconds of an HTTP-date in one of its three forms (section 5.6.7).
[[nodiscard]] std::optional<std::time_t> ParseHttpDate(std::string_view text);

struct ByteRange {
  std::uint64_t at = 0;
  std::uint64_t length = 0;
  bool operator==(const ByteRange&) const = default;
};

/// More ranges than this are answered by all of the file.
inline constexpr std::size_t kMostRanges = 7;

/// The ranges of a Range field that a file of that size has, in their order. Empty: it has none of them
/// (416). nullopt: the field is to be ignored, for its unit is not bytes, it is malformed, or it asks for
/// more than kMostRanges, for more bytes than there are (section 14.2), or for the end of an empty file.
[[nodiscard]] std::optional<std::vector<ByteRange>> ParseRanges(std::string_view field, std::uint64_t size);

/// Whether an Accept-Encoding field takes a content coding; "*" speaks for those that are not named
/// (section 12.5.3).
[[nodiscard]] bool Accepts(const http::Request& request, std::string_view coding);

}  // namespace hydrapool::files
