#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "hydrapool/excuse.h"

/// What a handler and its executions say to the pool.
namespace hydrapool {

/// The request is not complete yet; ask again when more bytes have come.
struct NeedMore {};

/// The whole answer to the request at the beginning of the input. It may be computed again if its worker dies
/// before a byte of it has left: a handler with side effects answers by Start.
struct Reply {
  /// How many bytes of the input were the request; 0 only where it closes, is interim, or nothing of the
  /// request is left (Exchange::Consume).
  std::size_t consume = 0;
  std::string bytes = {};
  bool keep_open = true;
  bool linger = true;  ///< when closing: the client may still be sending; false where it said that it is done
  std::uint8_t kind = 0;  ///< counted by kind, 0 to 5; HTTP: the status' first digit
  /// The part of the handler's site that the request belongs to, 0 to 15: durations are counted by it.
  std::uint8_t part = 0;
  /// Not the answer yet (100 Continue): the same request is looked at again. At most 16 in a row to the same
  /// bytes.
  bool interim = false;
};

/// The request is complete and is to be started: the handler's Begin is called next, with the same input. The
/// request's bytes stay in the kernel until a step consumes them.
struct Start {
  std::uint8_t part = 0;  ///< as Reply::part, of whatever is answered
};

using Decision = std::variant<NeedMore, Reply, Start>;

/// A request in execution, which answers later through its Exchange, on the worker's loop.
///
/// Destroyed when its answer is complete or its connection is gone. The calls come from the loop, never from
/// within a call to the Exchange. What it waits for by itself it waits for through Exchange::Watch and At: a
/// crash in a call of the bare loop is blamed on every request in execution there.
class Execution {
 public:
  virtual ~Execution() = default;
  /// A step that could not be completed at once (Exchange::Progress::kPending) is complete. Also the first
  /// call after Resume.
  virtual void OnStepDone() = 0;
  /// More of the request has come; only after Exchange::BeginOnce.
  virtual void OnReadable() {}
  /// The request's process has ended and was reaped; or the request waits for a place for one
  /// (ProcessTurn::Join), and one is free.
  virtual void OnProcessEnd() {}
  /// The deadline that the request was given has passed. The request is not over by that: answer or Abort.
  virtual void OnDeadline() = 0;
};

/// What Begin returns: an answer after all, or the execution. A null execution resets the connection.
using Begun = std::variant<Reply, std::unique_ptr<Execution>>;

}  // namespace hydrapool
