#include "loadgen/stats/hdr_codec.h"

#include <zlib.h>

#include <array>
#include <bit>

#include "loadgen/plan/base64.h"
#include "loadgen/stats/packed_counts.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::uint32_t kCookie = 0x1c849313;
constexpr std::uint32_t kCompressedCookie = 0x1c849314;
constexpr std::uint32_t kDigits = 3;
constexpr std::size_t kHead = 40;
constexpr std::size_t kCompressedHead = 8;
constexpr std::size_t kLongest = kHead + 9 * LatencyHistogram::kCounts;

void Put(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

std::uint64_t Get(std::string_view in, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (const char c : in.substr(at, bytes)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

std::string Inflate(std::string_view deflated) {
  std::string out(kLongest, '\0');
  auto size = static_cast<uLongf>(out.size());
  const auto result = ::uncompress(reinterpret_cast<Bytef*>(out.data()), &size,
                                   reinterpret_cast<const Bytef*>(deflated.data()), deflated.size());
  out.resize(result == Z_OK ? size : 0);
  return out;
}

std::string Deflate(std::string_view bytes) {
  std::string out(::compressBound(bytes.size()), '\0');
  auto size = static_cast<uLongf>(out.size());
  ::compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
             bytes.size());
  out.resize(size);
  return out;
}

}  // namespace

std::string EncodeHdr(const LatencyHistogram& histogram) {
  const auto counts = PackCounts(histogram);
  std::string whole;
  Put(whole, kCookie, 4);
  Put(whole, counts.size(), 4);
  Put(whole, 0, 4);  // normalizing index offset
  Put(whole, kDigits, 4);
  Put(whole, 1, 8);
  Put(whole, LatencyHistogram::kHighest, 8);
  Put(whole, std::bit_cast<std::uint64_t>(1.0), 8);  // ratio of doubles to integers
  const auto deflated = Deflate(whole + counts);
  std::string out;
  Put(out, kCompressedCookie, 4);
  Put(out, deflated.size(), 4);
  return ToBase64(out + deflated);
}

sys::Result<LatencyHistogram> DecodeHdr(std::string_view base64) {
  const auto bytes = FromBase64(base64);
  if (!bytes || bytes->size() < kCompressedHead || Get(*bytes, 0, 4) != kCompressedCookie)
    return sys::Failure("not a compressed V2 histogram of HdrHistogram");
  const auto whole = Inflate(std::string_view(*bytes).substr(kCompressedHead, Get(*bytes, 4, 4)));
  if (whole.size() < kHead || Get(whole, 0, 4) != kCookie || Get(whole, 4, 4) != whole.size() - kHead)
    return sys::Failure("a damaged histogram of HdrHistogram");
  if (Get(whole, 8, 4) != 0 || Get(whole, 12, 4) != kDigits || Get(whole, 16, 8) != 1)
    return sys::Failure("a histogram with other buckets (only lowest value 1 and 3 digits can be merged)");
  LatencyHistogram histogram;
  if (!UnpackCounts(std::string_view(whole).substr(kHead), histogram))
    return sys::Failure("a histogram whose counts are damaged or beyond one hour");
  return histogram;
}

}  // namespace hydrapool::loadgen
