#pragma once

#include <string>

namespace hydrapool::sys {

/// All of a file, of /proc too; empty where it cannot be read.
[[nodiscard]] std::string ReadFile(const std::string& path);

}  // namespace hydrapool::sys
