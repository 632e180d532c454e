#pragma once

#include <string>

#include "pool/sys/error.h"

namespace loadgen {

/// A file, whole; "-" is standard input. The error is "cannot read PATH: REASON".
[[nodiscard]] sys::Result<std::string> ReadWholeFile(const std::string& path);

}  // namespace loadgen
