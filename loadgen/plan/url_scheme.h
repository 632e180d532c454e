#pragma once

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// It begins with a scheme and "://"; one in its query does not count. Pure.
inline bool HasScheme(std::string_view url) {
  const auto end = url.find("://");
  return end != url.npos && end > 0 && std::ranges::all_of(url.substr(0, end), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '+' || c == '-' || c == '.';
         });
}

/// Whether libcurl knows it as a proxy: [SCHEME://]HOST[:PORT]. The error goes on after its text. Pure.
sys::Result<void> CheckProxy(const std::string& text);

}  // namespace hydrapool::loadgen
