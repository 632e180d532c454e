#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hydrapool::access {

inline constexpr std::size_t kLongestRequestId = 64;

/// Whether an id that somebody else has given may be taken: 1 to kLongestRequestId letters, digits and
/// . _ - + / = : ~
[[nodiscard]] bool IsSaneRequestId(std::string_view id);

/// Makes ids that no other request of any server has: 32 hexadecimal digits. No secret: they can be guessed.
/// One for each worker.
class RequestIds {
 public:
  RequestIds();
  [[nodiscard]] std::string Next();

 private:
  std::uint64_t worker_;
  std::uint64_t count_;
};

}  // namespace hydrapool::access
