#pragma once

#include <string>
#include <string_view>

#include "loadgen/engine/load_run.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// One thing a run must hold:
///
///     p99<50ms  p99.9<=1s  max<2s  mean<5ms   response latency; service.p99 and lag.p99 too
///     errors<0.1%  errors<=3                  requests that ended and were not ok: a share, or a number
///     rps>900                                 completed responses a second
///
/// Comparisons: < <= > >=. Latencies need a unit; spaces do not matter.
struct Slo {
  enum class Of { kResponse, kService, kLag };
  enum class Measure { kPercentile, kMax, kMean, kErrorShare, kErrorCount, kRps };
  enum class Compare { kLess, kLessOrEqual, kMore, kMoreOrEqual };

  std::string text;
  Of of = Of::kResponse;
  Measure measure = Measure::kPercentile;
  double percentile = 0;
  Compare compare = Compare::kLess;
  double limit = 0;  ///< µs, share, number or responses a second
};

/// What became of it.
struct SloVerdict {
  std::string text;
  bool met = false;
  double value = 0;   ///< as Slo::limit
  std::string shown;  ///< the value for people
};

/// What an objective is about, of a whole run or of one that is still going on.
struct SloFacts {
  const LatencyHistogram& response;
  const LatencyHistogram& service;
  const LatencyHistogram& lag;
  std::uint64_t sent = 0;
  std::uint64_t ended = 0;
  std::uint64_t ok = 0;
  double rps = 0;  ///< completed responses a second
};
[[nodiscard]] SloFacts FactsOf(const RunResult& run);

/// `flag` is what the error names. Pure.
sys::Result<Slo> ParseSlo(std::string_view flag, std::string_view text);

/// Holds a run against it. Where nothing was sent no objective is met. Pure.
SloVerdict Check(const Slo& slo, const SloFacts& facts);

}  // namespace hydrapool::loadgen
