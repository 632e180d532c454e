#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hydrapool {

/// What bounds one connection and its requests. How often each was run into is counted in
/// WorkerSlot::limits; the limits of the whole pool (connections, of one address) have counters of their own.
enum class Limit : std::uint8_t {
  kHeadSize,           ///< a request's head or target was too large: 414, 431
  kHeadTime,           ///< it did not come in time: 408
  kBodySize,           ///< a body was too large: 413
  kBodyRate,           ///< it came too slowly
  kRequests,           ///< a connection has had as many requests as it may: its last answer said so
  kIdle,               ///< none came in time: the connection was closed
  kWriteTime,          ///< a client took nothing of its answer for too long: it was cut off
  kPrograms,           ///< its program had to wait, as many ran by its --program-rule as may
  kProgramsOfAddress,  ///< its program had to wait, as many ran for its client's address as may
};
inline constexpr std::array<std::string_view, 9> kLimitNames{"head_size",  "head_time", "body_size",
                                                             "body_rate",  "requests",  "idle",
                                                             "write_time", "cgi_path",  "cgi_address"};

}  // namespace hydrapool
