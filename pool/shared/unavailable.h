#pragma once

#include <cstdint>
#include <optional>

#include "hydrapool/excuse.h"
#include "pool/shared/lease_word.h"

namespace hydrapool {

/// A lease for which no worker came in time, as the parent finds it.
struct Unserved {
  LeaseWord word;
  LeaseStep step;                     ///< the current step; meaningful in kResponding
  StepEnd end;                        ///< and where it leads
  Excuse owed = Excuse::kNone;        ///< Lease::excuse
  std::optional<std::uint64_t> sent;  ///< sys::BytesSent
  std::uint64_t waiting = 0;          ///< bytes that have come and were not taken
};

/// How the parent ends its connection.
enum class Farewell {
  kClose,  ///< nothing is owed: an orderly end
  kReply,  ///< the client has asked, or is owed a reply: the handler's reply for kUnavailable, then the end
  kCut,    ///< in the middle of an answer: a reset, so that a part is not taken for the whole
};
Farewell DecideFarewell(const Unserved& lease);

}  // namespace hydrapool
