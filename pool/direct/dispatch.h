#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hydrapool {

/// How a connection comes to its worker.
enum class Dispatch : std::uint8_t {
  kLease,      ///< the parent accepts, keeps a copy, and lends the connection to a worker (process_pool.h)
  kNotify,     ///< the parent tells a worker that one waits, and the worker accepts (direct_pool.h)
  kExclusive,  ///< the workers accept from the listeners that all of them watch (direct_pool.h)
};

constexpr std::string_view DispatchName(Dispatch dispatch) {
  constexpr std::string_view kNames[] = {"lease", "notify", "exclusive"};
  return kNames[static_cast<std::size_t>(dispatch)];
}

}  // namespace hydrapool
