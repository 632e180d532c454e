#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pool/sys/clock.h"

namespace hydrapool::loadgen {

/// How long each part of a request took; 0 where there was none, or where it was not over when the request
/// was.
///
///   sent → connect → tls → first_byte → body → end
///
/// On a kept-alive connection there is neither `connect` nor `tls`; `body` is 0 where the whole response came
/// at once. Of a completed request they add up to its service time.
struct Phases {
  sys::Nanos connect = 0;  ///< Until the connection was made; the curl engine's includes the name's lookup.
  sys::Nanos tls = 0;      ///< The handshake.
  sys::Nanos first_byte = 0;  ///< From when it could go out to the first bytes of the response.
  sys::Nanos body = 0;        ///< From there to the end.
};

inline constexpr std::size_t kPhases = 4;
inline constexpr std::array<std::string_view, kPhases> kPhaseNames = {"connect", "tls", "first_byte", "body"};

/// How long one part took over many requests, in µs. A value that merges.
struct PhaseSum {
  std::uint64_t count = 0;
  std::int64_t sum = 0;
  std::int64_t max = 0;

  void Record(std::int64_t micros) {
    ++count;
    sum += micros;
    max = std::max(max, micros);
  }
  /// What it has gained since then; how long the longest of these took is not known.
  [[nodiscard]] PhaseSum Since(const PhaseSum& before) const {
    return {.count = count - before.count, .sum = sum - before.sum};
  }
  [[nodiscard]] bool operator==(const PhaseSum& other) const = default;
  void Merge(const PhaseSum& other) {
    count += other.count;
    sum += other.sum;
    max = std::max(max, other.max);
  }
  [[nodiscard]] double mean() const {
    return count == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(count);
  }
};

/// When each part of a request was over, as an engine saw it; 0 where it was not.
struct Moments {
  sys::Nanos connected = 0;  ///< 0 also on a connection that was there already.
  sys::Nanos secured = 0;
  sys::Nanos first_byte = 0;
  sys::Nanos whole = 0;
};

/// Pure.
constexpr Phases PhasesOf(sys::Nanos sent, const Moments& at) {
  const auto ready = at.secured != 0 ? at.secured : at.connected != 0 ? at.connected : sent;
  return {.connect = at.connected != 0 ? at.connected - sent : 0,
          .tls = at.secured != 0 ? at.secured - at.connected : 0,
          .first_byte = at.first_byte != 0 ? at.first_byte - ready : 0,
          .body = at.whole != 0 && at.first_byte != 0 ? at.whole - at.first_byte : 0};
}

}  // namespace hydrapool::loadgen
