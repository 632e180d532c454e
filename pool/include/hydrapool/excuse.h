#pragma once

#include <cstdint>

namespace hydrapool {

/// Why a client gets the handler's AbandonedReply in place of an answer.
enum class Excuse : std::uint8_t {
  kNone,
  kAbandoned,    ///< the request ran once, and its answer died with its worker
  kPoison,       ///< the request killed the workers that touched it
  kUnavailable,  ///< no worker could take it before its deadline
  kTooSlow,      ///< it did not come whole before its deadline
  kUrgent,       ///< the client has marked a byte within it as urgent (MSG_OOB): it cannot be looked at whole
};

}  // namespace hydrapool
