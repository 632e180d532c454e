#pragma once

#include <string>
#include <string_view>

#include "loadgen/stats/latency_histogram.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// A histogram as HdrHistogram's V2 compressed encoding in base64 ("HISTFAAA…"), which every implementation
/// reads: a 40-byte big-endian head and the packed counts, deflated. `max` and `mean` are not part of it.
/// Pure. (HdrHistogram, AbstractHistogram.encodeIntoCompressedByteBuffer.)
[[nodiscard]] std::string EncodeHdr(const LatencyHistogram& histogram);

/// Reads one of ours or another implementation's. Its values are taken for microseconds. An error where it is
/// none, or has other buckets than ours (lowest 1, 3 digits), since it could then not be merged exactly.
/// `max` becomes the upper end of the last bucket, `mean` is that of the buckets' middles.
[[nodiscard]] sys::Result<LatencyHistogram> DecodeHdr(std::string_view base64);

}  // namespace hydrapool::loadgen
