#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pool/shared/duration_histogram.h"

/// How long requests take, by part of the site and by kind of reply (Reply::part, Reply::kind). In shared
/// memory.
namespace hydrapool {

/// A handler says of each reply what kind it was; HTTP uses the status' first digit. 0: unclassified.
inline constexpr std::size_t kReplyClasses = 6;

/// Parts of a site that are counted apart. Part 0 is all that belongs to no other.
inline constexpr std::size_t kMostParts = 16;

/// The names of the parts. A name keeps its number as long as the memory lasts: over reloads and upgrades, so
/// that a counter never becomes another's. Entered by one process at a time, before its workers are made;
/// read by anyone.
///
/// Names are kept as metrics may show them: bytes that are no UTF-8 and control characters are escaped as in
/// a URL ("%FF"), and what is longer than kLongestName is cut between two characters.
class SiteParts {
 public:
  static constexpr std::size_t kLongestName = 63;

  /// Its number, which is new where the name is. 0: all numbers are taken.
  std::uint8_t Enter(std::string_view name);
  /// 0: nobody has entered it.
  [[nodiscard]] std::uint8_t Find(std::string_view name) const;
  /// How many numbers are in use; 0 always is.
  [[nodiscard]] std::size_t size() const { return 1 + others_.load(std::memory_order_acquire); }
  /// "none" for 0.
  [[nodiscard]] std::string_view NameOf(std::size_t part) const;

 private:
  std::atomic<std::size_t> others_{0};
  std::array<std::array<char, kLongestName + 1>, kMostParts> names_{};
};

/// Kinds of replies as durations tell them apart: "other", "2xx" to "5xx".
inline constexpr std::array<std::string_view, 5> kDurationClasses{"other", "2xx", "3xx", "4xx", "5xx"};
/// Which of them a kind is; an interim reply (1) ends no request.
constexpr std::size_t DurationClassOf(std::size_t kind) {
  return kind < 2 || kind >= kReplyClasses ? 0 : kind - 1;
}

/// From the first look at a request to its last byte handed to the kernel.
class RequestSeconds {
 public:
  void Observe(std::size_t part, std::size_t kind, sys::Nanos duration) {
    histograms_[part < kMostParts ? part : 0][DurationClassOf(kind)].Observe(duration);
  }
  [[nodiscard]] const DurationHistogram& of(std::size_t part, std::size_t duration_class) const {
    return histograms_[part][duration_class];
  }
  /// Of all parts and classes.
  [[nodiscard]] std::uint64_t total() const;

 private:
  std::array<std::array<DurationHistogram, kDurationClasses.size()>, kMostParts> histograms_;
};

/// One request, for those who look at a histogram and ask which requests were so slow.
struct Exemplar {
  std::uint8_t part = 0;
  sys::Nanos duration = 0;
  std::int64_t at = 0;  ///< nanoseconds since 1970
  std::string id = {};

  bool operator==(const Exemplar&) const = default;
};

/// The last request of each class and bucket that had an id. Written by all workers without a lock: what two
/// of them have written at once, or one that died over it, is none.
class Exemplars {
 public:
  static constexpr std::size_t kLongestId = 64;  ///< what has a longer id is not noted

  void Note(std::size_t kind, const Exemplar& exemplar);
  [[nodiscard]] std::optional<Exemplar> Last(std::size_t duration_class, std::size_t bucket) const;

 private:
  static constexpr std::size_t kIdWords = kLongestId / 8;
  /// The check, the time, the duration, part and length of the id, the id.
  using Record = std::array<std::atomic<std::uint64_t>, 4 + kIdWords>;
  std::array<std::array<Record, DurationHistogram::kBuckets>, kDurationClasses.size()> records_;
};

}  // namespace hydrapool
