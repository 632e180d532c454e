#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hydrapool::sys {

/// All of a file, of /proc too; empty where it cannot be read.
[[nodiscard]] std::string ReadFile(const std::string& path);

/// Writes all of `text`, over short counts and signals. 0 or an errno. For blocking descriptors.
[[nodiscard]] int WriteAll(int fd, std::string_view text);

/// Closes every descriptor but 0 to 2 and those given, which keep their numbers.
void CloseAllBut(std::vector<int> kept);

}  // namespace hydrapool::sys
