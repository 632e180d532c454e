#include "pool/access/request_id.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace hydrapool::access {
namespace {

std::uint64_t Random() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

/// splitmix64's last steps: ids that follow one another do not look so.
std::uint64_t Mixed(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

bool MayStandInAnId(char c) {
  constexpr std::string_view kMarks = "._-+/=:~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kMarks.find(c) != kMarks.npos;
}

}  // namespace

bool IsSaneRequestId(std::string_view id) {
  return !id.empty() && id.size() <= kLongestRequestId && std::ranges::all_of(id, MayStandInAnId);
}

RequestIds::RequestIds() : worker_(Random()), count_(Random()) {}

std::string RequestIds::Next() { return fmt::format("{:016x}{:016x}", worker_, Mixed(++count_)); }

}  // namespace hydrapool::access
