#pragma once

#include <string>
#include <string_view>

#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// "500ms", "10s", "1.5m", "2h", "100us"; a bare number is seconds. Above 0.
sys::Result<sys::Nanos> ParseDuration(std::string_view text);

/// "500", "500/s", "30/m": requests a second. Above 0.
sys::Result<double> ParseRate(std::string_view text);

/// Three digits for people: "87 µs", "1.23 ms", "12.3 s".
std::string FormatMicros(double micros);

/// "912 B", "1.46 MB".
std::string FormatBytes(double bytes);

}  // namespace hydrapool::loadgen
