#pragma once

#include <string>

namespace hydrapool::loadgen {

/// Three digits for people: "87 µs", "1.23 ms", "12.3 s".
std::string FormatMicros(double micros);

/// "912 B", "1.46 MB".
std::string FormatBytes(double bytes);

}  // namespace hydrapool::loadgen
