#pragma once

#include <cstdint>
#include <string>

#include "harness/command/report_files.h"
#include "harness/run/scenario.h"

namespace hydrapool::harness {

/// Runs the scenario, tells of it on the screen and in `files`, and returns the exit code of its verdict; 2
/// where it cannot begin, 77 where that is for a fault that this machine cannot do. Ctrl-C calls the run off.
/// What the run left is kept unless it passed, or this process is killed: a guard removes it then.
[[nodiscard]] int RunAndReport(const Scenario& scenario, std::uint64_t seed, const std::string& replay,
                               const ReportFiles& files);

}  // namespace hydrapool::harness
