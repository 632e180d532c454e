#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loadgen/stats/latency_histogram.h"
#include "loadgen/stats/packed_counts.h"
#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

struct RunResult;

/// One histogram of an interval log.
struct HdrInterval {
  std::string tag = {};   ///< What it is of; empty: response latencies.
  sys::Nanos begin = 0;   ///< Since the log's start; written with milliseconds.
  sys::Nanos length = 0;  ///< Likewise.
  PackedHistogram histogram = {};
};

/// An interval log of HdrHistogram (version 1.3), which its HistogramLogProcessor and others read. Values are
/// microseconds; Interval_Max is in milliseconds.
struct HdrLog {
  std::int64_t start_unix_ms = 0;
  std::vector<HdrInterval> intervals = {};
};

/// How a tag is written: blanks, commas and whatever is not printable become '_'. Pure.
[[nodiscard]] std::string TagText(std::string_view tag);

/// One line, without its end: "Tag=service,0.000,1.000,2.769,HISTFAAA…". Pure.
[[nodiscard]] std::string HdrLine(const HdrInterval& interval);
/// The head and a line for each interval. Pure.
[[nodiscard]] std::string HdrText(const HdrLog& log);

/// Reads one of ours, or another's with the same buckets (hdr_codec.h). The error names the line. Pure.
[[nodiscard]] sys::Result<HdrLog> ParseHdrLog(std::string_view text);
/// Reads one line that HdrLine may have written.
[[nodiscard]] sys::Result<HdrInterval> ParseHdrLine(std::string_view line);

/// A run's whole log. By the interval of its series (a second, in runs of up to 20 minutes): response
/// (without a tag), `service` and `lag`; of what was not ok also `not_ok` (response) and `not_ok-service`.
/// Where
/// there are several URLs the response of each (`target-N`, `target-N-not_ok`, from 0). For the whole run:
/// `own_lag`, `session` (how long complete ones took), the phases (`connect`, `tls`, `first_byte`, `body`),
/// the response latencies by outcome and by status (`outcome-NAME`, `status-CODE`) and the service latencies
/// of each worker with a histogram of its own (`worker-SLOT`).
[[nodiscard]] HdrLog HdrLogOf(const RunResult& run);

/// The standard deviation, each value taken for the middle of its bucket; 0 where nothing was recorded. Pure.
[[nodiscard]] double Deviation(const LatencyHistogram& histogram);

/// The percentiles of a histogram as HdrHistogram's plotter reads them (".hgrm"), values in milliseconds,
/// five lines for each halving of the distance to 100 %. (AbstractHistogram.outputPercentileDistribution.)
/// Pure.
[[nodiscard]] std::string HgrmText(const LatencyHistogram& histogram);

}  // namespace hydrapool::loadgen
