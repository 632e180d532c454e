#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "loadgen/plan/scenario.h"

namespace hydrapool::loadgen {

/// How far a connection has come in a session.
struct Visit {
  const Session* session = nullptr;      ///< Null: in none.
  std::size_t step = 0;                  ///< The next one.
  std::uint64_t turn = 0;                ///< The session's number.
  sys::Nanos due = 0;                    ///< The session was.
  sys::Nanos next_due = 0;               ///< The next request is.
  sys::Nanos free_since = 0;             ///< The last one ended.
  std::vector<std::string> values = {};  ///< As the scenario's variables.
};

}  // namespace hydrapool::loadgen
