#pragma once

#include <cstdint>
#include <string>

#include "harness/run/scenario.h"

namespace hydrapool::harness {

/// Runs the scenario, prints the report (JSON to `json_path`, as PrintResults does) and returns the exit code
/// of its verdict; 2 where it cannot begin. Ctrl-C calls the run off. What the run left is kept unless it
/// passed.
[[nodiscard]] int RunAndReport(const Scenario& scenario, std::uint64_t seed, const std::string& replay,
                               const std::string& json_path);

}  // namespace hydrapool::harness
