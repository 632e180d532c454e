#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/engine/load_run.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// One thing a run must hold:
///
///     p99<50ms  p99.9<=1s  max<2s  mean<5ms   response latency; service.p99 and lag.p99 too
///     errors<0.1%  errors<=3     scheduled and not answered ok: failed, a bad answer, in flight at the end,
///                                never sent; a share, or a number
///     unanswered<1%              sent, and no whole answer: failed, or in flight at the end
///     dropped<=0                 due by the schedule and never sent
///     achieved>=99%              due by the schedule and sent in time
///     rps>900                    completed responses a second
///
/// Of one URL's requests, by a name: 'checkout: p99<200ms'. The name is the URL, or its path, with or without
/// the query and the first slash. It has response latencies, errors (with its share of what was never sent,
/// as large as its share of what was), unanswered and rps (its part of the whole run's).
///
/// The schedule makes sessions due, not their later requests: dropped and achieved are of sessions where
/// sessions arrive, and for errors a session that was never begun is one request.
///
/// Comparisons: < <= > >=. Latencies need a unit; spaces do not matter.
///
/// Nothing that is not ok makes a latency better: a figure is that of all requests (with those that failed or
/// were given up, as old as they were then) or of the ok answers alone, whichever is worse.
///
/// Nothing holds of nothing: of no request, or for an upper bound of latency of no ok answer, an objective is
/// missed.
struct Slo {
  enum class Of { kResponse, kService, kLag };
  enum class Measure { kPercentile, kMax, kMean, kErrors, kUnanswered, kDropped, kAchieved, kRps };
  enum class Compare { kLess, kLessOrEqual, kMore, kMoreOrEqual };

  std::string text;
  std::string target = {};              ///< The name; empty: all requests.
  std::optional<std::size_t> url = {};  ///< Its number in the plan (AimAt); nullopt: all requests.
  Of of = Of::kResponse;
  Measure measure = Measure::kPercentile;
  double percentile = 0;
  Compare compare = Compare::kLess;
  bool share = false;  ///< `limit` is one, not a number. Of what is counted only.
  double limit = 0;    ///< µs, share, number or responses a second
};

/// What became of it.
struct SloVerdict {
  std::string text;
  bool met = false;
  double value = 0;           ///< as Slo::limit
  std::string shown;          ///< the value for people
  std::uint64_t samples = 0;  ///< How many requests it stands for.
};

/// What an objective is about, of a whole run or of one that is still going on.
struct SloFacts {
  struct Part {
    std::uint64_t n = 0;
    std::uint64_t of = 0;
  };
  const LatencyHistogram& response;
  const LatencyHistogram& service;
  const LatencyHistogram& lag;
  LatencyHistogram ok_response = {};  ///< of ok answers alone
  LatencyHistogram ok_service = {};
  Part errors = {};
  Part unanswered = {};
  Part dropped = {};
  Part achieved = {};
  std::uint64_t sent = 0;
  double rps = 0;  ///< completed responses a second
};
[[nodiscard]] SloFacts FactsOf(const RunResult& run);
/// Of what was sent to one URL, over so many seconds. `counts` must outlive the facts.
[[nodiscard]] SloFacts FactsOf(const TargetCounts& counts, double seconds);
/// Of a run that is going on: counted is what has ended; `unanswered` also counts what was sent before the
/// last look (`sent_before`) and is still in flight. `due` is how many the schedule has made due so far
/// (due_so_far.h).
[[nodiscard]] SloFacts FactsSoFar(const LatenciesSoFar& latencies, const Progress& progress,
                                  std::uint64_t sent_before, std::uint64_t due, double seconds);

/// `flag` is what the error names. Pure.
sys::Result<Slo> ParseSlo(std::string_view flag, std::string_view text);

/// Finds the URLs that the objectives name. The error says which name fits none, or more than one. Pure.
sys::Result<void> AimAt(const std::vector<std::string>& urls, std::vector<Slo>& slos);

/// Holds a run against it. Pure.
SloVerdict Check(const Slo& slo, const SloFacts& facts);
/// With the facts of the URL that it names.
SloVerdict Check(const Slo& slo, const RunResult& run);

}  // namespace hydrapool::loadgen
