#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hydrapool::loadgen {

/// A response in parts, from its bytes as they came.
struct ResponseText {
  std::string head = {};  ///< The final one, with its line ends; whole unless the bytes end within it.
  std::string body = {};  ///< Without its chunks, decoded of gzip or deflate; as much of it as there is.
  /// There is no more of the body, and it could be decoded; false also where it is longer than asked for.
  bool whole = false;
};

/// Takes the first bytes of a response apart; of the body at most so much. `to_head`: it answers HEAD. Pure.
[[nodiscard]] ResponseText ParseResponse(std::string_view bytes, bool to_head, std::size_t most_of_body);

}  // namespace hydrapool::loadgen
