#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace hydrapool::loadgen {

/// How a response began.
struct FirstResponse {
  std::string head = {};  ///< As it came, with its line ends.
  std::string body = {};  ///< Without its chunks.
  [[nodiscard]] bool operator==(const FirstResponse& other) const = default;
};

/// The first response of each status that was not expected, so that a report can show what the server said.
/// In constant memory: of the first kMostFirstResponses statuses.
using FirstResponses = std::map<int, FirstResponse>;
inline constexpr std::size_t kMostFirstResponses = 16;
inline constexpr std::size_t kMostOfHead = 2048;
inline constexpr std::size_t kMostOfBody = 200;

/// Keeps the beginning of both, where it is the first one of its status.
void Keep(FirstResponses& responses, int status, std::string_view head, std::string_view body);

}  // namespace hydrapool::loadgen
