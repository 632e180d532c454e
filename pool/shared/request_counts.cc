#include "pool/shared/request_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "pool/sys/utf8.h"

namespace hydrapool {
namespace {

std::uint64_t Mixed(std::uint64_t seed, std::uint64_t word) {
  std::uint64_t x = (seed ^ word) * 0x9e3779b97f4a7c15;
  x ^= x >> 32;
  return x * 0xd6e8feb86659fd93 ^ seed >> 7;
}

/// Of all words but the first. Never 0, which is what a record holds that was never written.
std::uint64_t CheckOf(std::span<const std::uint64_t> words) {
  std::uint64_t check = 1;
  for (const std::uint64_t word : words.subspan(1)) check = Mixed(check, word);
  return std::max<std::uint64_t>(check, 1);
}

std::string Shown(std::string_view name) {
  std::string shown;
  while (!name.empty()) {
    const std::size_t size = sys::CharacterAt(name);
    const auto byte = static_cast<unsigned char>(name.front());
    const bool escape = size == 0 || byte < 0x20 || byte == 0x7f;
    const std::string one = escape ? fmt::format("%{:02X}", byte) : std::string(name.substr(0, size));
    if (shown.size() + one.size() > SiteParts::kLongestName) break;
    shown += one;
    name.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return shown;
}

}  // namespace

std::string_view SiteParts::NameOf(std::size_t part) const {
  return part == 0 ? std::string_view("none") : std::string_view(names_[part].data());
}

std::uint8_t SiteParts::Find(std::string_view name) const {
  const std::string shown = Shown(name);
  for (std::size_t part = 1; part < size(); ++part) {
    if (NameOf(part) == shown) return static_cast<std::uint8_t>(part);
  }
  return 0;
}

std::uint8_t SiteParts::Enter(std::string_view name) {
  if (const std::uint8_t known = Find(name); known != 0) return known;
  const std::size_t part = size();
  if (part == kMostParts) return 0;
  names_[part] = {};  // of one who died here
  std::ranges::copy(Shown(name), names_[part].begin());
  others_.store(part, std::memory_order_release);
  return static_cast<std::uint8_t>(part);
}

std::uint64_t RequestSeconds::total() const {
  std::uint64_t sum = 0;
  for (const auto& part : histograms_) {
    for (const DurationHistogram& histogram : part) sum += histogram.total();
  }
  return sum;
}

void Exemplars::Note(std::size_t kind, const Exemplar& exemplar) {
  if (exemplar.id.empty() || exemplar.id.size() > kLongestId || exemplar.duration < 0) return;
  std::array<std::uint64_t, 4 + kIdWords> words{};
  words[1] = static_cast<std::uint64_t>(exemplar.at);
  words[2] = static_cast<std::uint64_t>(exemplar.duration);
  words[3] = std::uint64_t{exemplar.part} << 32 | exemplar.id.size();
  std::memcpy(&words[4], exemplar.id.data(), exemplar.id.size());
  words[0] = CheckOf(words);
  Record& record = records_[DurationClassOf(kind)][DurationHistogram::BucketOf(exemplar.duration)];
  for (std::size_t i = 0; i < words.size(); ++i) record[i].store(words[i], std::memory_order_relaxed);
}

std::optional<Exemplar> Exemplars::Last(std::size_t duration_class, std::size_t bucket) const {
  const Record& record = records_[duration_class][bucket];
  std::array<std::uint64_t, 4 + kIdWords> words;
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = record[i].load(std::memory_order_relaxed);
  const std::size_t size = words[3] & 0xffffffff;
  if (words[0] != CheckOf(words) || size == 0 || size > kLongestId) return std::nullopt;
  const auto part = static_cast<std::uint8_t>(words[3] >> 32);
  if (part >= kMostParts) return std::nullopt;
  return Exemplar{.part = part,
                  .duration = static_cast<sys::Nanos>(words[2]),
                  .at = static_cast<std::int64_t>(words[1]),
                  .id = std::string(reinterpret_cast<const char*>(&words[4]), size)};
}

}  // namespace hydrapool
