#include "pool/files/conditions.h"

#include <array>
#include <cstdint>
#include <cstdlib>

/// Whatever a field holds: ranges lie within the file and are no more than it, and the rest comes to an end.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hydrapool::files;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, UINT64_MAX >> 1}) {
    const auto ranges = ParseRanges(text, length);
    if (!ranges) continue;
    std::uint64_t sum = 0;
    for (const ByteRange& range : *ranges) {
      if (range.length == 0 || range.at >= length || range.length > length - range.at) std::abort();
      sum += range.length;
    }
    if (ranges->size() > kMostRanges || sum > length) std::abort();
  }
  for (const char* name : {"If-Match", "If-None-Match", "If-Modified-Since", "If-Range", "Accept-Encoding"}) {
    const std::array<hydrapool::http::Field, 1> fields{{{name, text}}};
    const hydrapool::http::Request request{.fields = fields};
    (void)Evaluate(request, {.tag = "\"x\"", .modified = 1});
    (void)RangeCounts(request, {.tag = "\"x\"", .modified = 1});
    (void)Accepts(request, "gzip");
  }
  return 0;
}
