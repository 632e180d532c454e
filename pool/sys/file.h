#pragma once

#include <string>

namespace hydrapool::sys {

/// All of a file; empty where there is none.
[[nodiscard]] std::string ReadFile(const std::string& path);

}  // namespace hydrapool::sys
