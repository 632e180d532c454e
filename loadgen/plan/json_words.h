#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace hydrapool::loadgen {

/// What an exception of the JSON library says, without its own number ("[json.exception.parse_error.101] ").
inline std::string JsonWords(const std::exception& error) {
  const std::string_view text = error.what();
  const auto end = text.starts_with("[json.exception.") ? text.find("] ") : text.npos;
  return std::string(end == text.npos ? text : text.substr(end + 2));
}

}  // namespace hydrapool::loadgen
