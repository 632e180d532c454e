#pragma once

#include <string>
#include <string_view>

namespace hydrapool::sys {

/// All of a file, of /proc too; empty where it cannot be read.
[[nodiscard]] std::string ReadFile(const std::string& path);

/// Writes all of `text`, over short counts and signals. 0 or an errno. For blocking descriptors.
[[nodiscard]] int WriteAll(int fd, std::string_view text);

}  // namespace hydrapool::sys
