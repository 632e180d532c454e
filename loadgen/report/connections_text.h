#pragma once

#include <string>

#include "loadgen/stats/connection_counts.h"

namespace hydrapool::loadgen {

/// "8 connections made, 2 more tried, 8 HTTP/1.1": how many, what they spoke, TLS sessions that were resumed.
/// Pure.
[[nodiscard]] std::string ConnectionsText(const ConnectionCounts& own);

}  // namespace hydrapool::loadgen
