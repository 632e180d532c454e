#pragma once

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace hydrapool::metrics {

/// A page that grows.
using Text = fmt::memory_buffer;

template <typename... Args>
void Put(Text& text, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
}

}  // namespace hydrapool::metrics
