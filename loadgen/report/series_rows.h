#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "loadgen/engine/load_run.h"

namespace hydrapool::loadgen {

/// One line of a run's course, for plots, tables and comparisons.
struct SeriesRow {
  struct Latency {
    std::uint64_t count = 0;
    std::int64_t p50 = 0;
    std::int64_t p90 = 0;
    std::int64_t p99 = 0;
    std::int64_t max = 0;
    double mean = 0;
  };
  double begin_s = 0;  ///< Since the start.
  double length_s = 0;
  std::uint64_t sent = 0;
  std::uint64_t completed = 0;
  std::uint64_t ok = 0;
  std::uint64_t errors = 0;  ///< Ended and were not ok.
  std::array<std::uint64_t, kOutcomes> outcomes = {};
  double rate = 0;  ///< Completed a second.
  struct Target {
    std::uint64_t sent = 0;
    std::uint64_t ok = 0;
    std::map<Outcome, std::uint64_t> errors = {};
    Latency response = {};
    std::array<PhaseSum, kPhases> phases = {};  ///< Without `max`.
  };
  Latency response = {};  ///< µs; zeros where nothing ended.
  Latency service = {};
  Latency lag = {};
  std::vector<Target> targets = {};  ///< By URL, where there are several, as TargetCutter has them.
};

/// A row for each interval, also for those in which nothing happened. The last one ends with the run; where
/// it would be shorter than a tenth of the others it is part of the one before. Pure.
[[nodiscard]] std::vector<SeriesRow> Rows(const RunResult& run);

/// The response latencies of one row, for a heat map.
struct HeatColumn {
  static constexpr int kBandsOfADecade = 10;
  /// Requests by band: band b is from 10^(b/10) µs to 10^((b+1)/10) µs.
  std::map<int, std::uint64_t> bands = {};
};

/// A column for each of Rows. Pure.
[[nodiscard]] std::vector<HeatColumn> Heat(const RunResult& run);

/// A line of names and one for each row, RFC 4180 but for the line ends. Times in seconds, latencies in µs;
/// latencies are empty where nothing ended. Behind these, error_refused and so on: how many requests ended
/// with each outcome but ok. Where there are several URLs, for each of the first TargetList::kMostTimed:
/// sent, ok, errors, p50, p99 and each kind of error that it had, the name of the column with the URL; the
/// same without latencies for all further ones together: "(68 others) sent". Pure.
[[nodiscard]] std::string ToCsv(const std::vector<SeriesRow>& rows,
                                const std::vector<std::string>& urls = {});

}  // namespace hydrapool::loadgen
