#pragma once

#include "loadgen/command/options.h"

namespace hydrapool::loadgen {

/// `loadgen [OPTIONS] URL`: opens the files, runs, reports. The exit code.
int RunCommand(const Options& options);

}  // namespace hydrapool::loadgen
