#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "pool/control/client.h"

/// What `hydrapool ctl` shows to people. Pure.
namespace hydrapool::control {

/// A reply to `command` ("workers", "resize", …), whole lines.
std::string Text(const std::string& command, const Reply& reply);
/// An event of watch, one line: "12:00:01.250 worker 2 (process 4711) ended: SIGKILL after 3.2 s; 4 carried
/// on".
std::string Text(const nlohmann::ordered_json& event);

/// Rows of words in columns; numbers stand to the right.
std::string Table(std::span<const std::vector<std::string>> rows);

}  // namespace hydrapool::control
