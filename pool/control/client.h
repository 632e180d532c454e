#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "pool/sys/error.h"

namespace hydrapool::control {

/// Lines of JSON.
struct Reply {
  std::vector<std::string> lines{};  ///< all but the last
  std::string last{};                ///< {"ok":true, …}
};

/// Asks the server whose control socket is `path`. Blocks, at most for `patience`. A parent that dies over
/// the answer is asked again when the next one is there: every command may come twice. An Error: there is no
/// server, it says nothing in time, or it refuses.
[[nodiscard]] sys::Result<Reply> Ask(const std::string& path, const std::string& command,
                                     std::chrono::milliseconds patience);

/// Shows events until the server has ended (true) or `show` returns false; over all its parents and programs.
[[nodiscard]] sys::Result<bool> Watch(const std::string& path,
                                      const std::function<bool(const nlohmann::ordered_json& event)>& show);

}  // namespace hydrapool::control
