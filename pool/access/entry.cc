#include "pool/access/entry.h"

#include <algorithm>
#include <numeric>

namespace hydrapool::access {
namespace {

constexpr std::size_t kAll = std::accumulate(Entry::kMost.begin(), Entry::kMost.end(), std::size_t{0});

std::size_t OffsetOf(std::size_t index) {
  return std::accumulate(Entry::kMost.begin(), Entry::kMost.begin() + static_cast<std::ptrdiff_t>(index),
                         std::size_t{0});
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

void Entry::Set(Text which, std::string_view text) {
  static_assert(sizeof(bytes_) == kAll);
  const std::size_t index = Index(which);
  sizes_[index] = static_cast<std::uint16_t>(std::min<std::size_t>(text.size(), kMost[index] + 1u));
  std::ranges::copy(text.substr(0, kMost[index]), bytes_.begin() + OffsetOf(index));
}

std::string_view Entry::Get(Text which) const {
  const std::size_t index = Index(which);
  return {bytes_.data() + OffsetOf(index), std::min(sizes_[index], kMost[index])};
}

void Entry::NoteAnswer(std::string_view first_bytes, std::uint64_t total_sent) {
  if (answering && total_sent != answer_at) return;
  answering = true;
  answer_at = total_sent;
  if (first_bytes.empty()) return;
  status = 0;
  head = 0;
  constexpr std::size_t kCode = 9;  // of "HTTP/1.1 200 OK"
  if (first_bytes.size() < kCode + 3 || !first_bytes.starts_with("HTTP/")) return;
  const std::string_view code = first_bytes.substr(kCode, 3);
  if (!std::ranges::all_of(code, IsDigit)) return;
  status = static_cast<std::uint16_t>((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
  const auto end = first_bytes.find("\r\n\r\n");
  head = static_cast<std::uint32_t>(end == first_bytes.npos ? first_bytes.size() : end + 4);
}

}  // namespace hydrapool::access
