#pragma once

#include <cstdio>
#include <string>

#include "loadgen/exit_code.h"
#include "loadgen/options.h"
#include "loadgen/report.h"

namespace loadgen {

/// `loadgen [OPTIONS] URL`: checks what can be checked before, runs, reports. The exit code.
int RunCommand(const Options& options);

/// "loadgen: LINE" on standard error.
int Complain(ExitCode code, const std::string& line);

}  // namespace loadgen
