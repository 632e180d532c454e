#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// What the parent and a worker say to each other over their channel. Fixed-size records, several to a
/// packet; each is followed in the packet's descriptors by its own: the connection's first (kLease), then the
/// process's ends that its `process_ends` mask names.
namespace hydrapool {

/// The descriptors by which a request's process is reached. The parent holds copies, so that it outlives its
/// worker.
enum class ProcessEnd : std::uint8_t {
  kOutput,
  kInput,
  kErrors,
  kBody,  ///< no end of the process: the request's body, in a file, until the process has it
};
inline constexpr std::size_t kProcessEnds = 4;

struct ToWorker {
  enum class Kind : std::uint8_t {
    kLease,  ///< here is a connection; its lease's word says in which phase
    /// The process of a lease you hold was reaped: look at its detail. Or it waits in the ProcessLine, and a
    /// place may be free.
    kProcessEnded,
  };
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  Kind kind = Kind::kLease;
  std::uint8_t process_ends = 0;    ///< bit i: a copy of ProcessEnd i comes with the connection
  std::uint32_t step_consumed = 0;  ///< kLease in a step: how far it has come, by the kernel's counters
  std::uint32_t step_sent = 0;
};

struct ToParent {
  enum class Kind : std::uint8_t {
    kOffer,      ///< hold these ends of the process that I am about to start for this lease, or its body
    kCloseEnd,   ///< close your copy of one end (so that the process sees the end of its input)
    kLetGo,      ///< the request is over: close your copies
    kTerminate,  ///< and end the process and its group
  };
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  Kind kind = Kind::kOffer;
  std::uint8_t process_ends = 0;
  std::int32_t pid = 0;
};

/// At most this many messages lie untaken in a worker's channel. Leases among them can be taken back while
/// their word says idle, but the bound is what a slow worker can sit on.
inline constexpr std::size_t kMaxUntaken = 64;
inline constexpr std::size_t kMaxBatch = 50;  // 50 x (1 + kProcessEnds) descriptors fit in one packet

}  // namespace hydrapool
