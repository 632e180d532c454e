#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

/// JSON for tests. The library's code is compiled once, in json.cc: where a test parses by itself, that alone
/// takes its compiler two seconds.
extern template class nlohmann::basic_json<>;

namespace hydrapool::support {

/// Discarded (is_discarded) where it is no JSON.
[[nodiscard]] nlohmann::json ParseJson(std::string_view text);

}  // namespace hydrapool::support
