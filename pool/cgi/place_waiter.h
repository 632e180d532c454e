#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "hydrapool/connection.h"
#include "pool/shared/process_turns.h"
#include "pool/sys/clock.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::cgi {

/// A request's body that is whole, in a file; or one that the exchange will feed.
struct Body {
  int file = -1;
  std::uint64_t length = 0;
  bool feed = false;
  sys::UniqueFd own{};  ///< `file`, where nobody else holds it
  bool peeked = false;  ///< it came with its head and has no file yet
};

/// Makes it of bytes. False: there is no memory.
[[nodiscard]] bool WholeBody(std::string_view bytes, Body& body);

/// Who starts a program once there is a place for it.
class Launcher {
 public:
  /// As Handler::Begin: an answer, or what answers; also another that waits.
  virtual Begun LaunchAgain(Exchange& exchange, Body body) = 0;
  virtual Reply RefusePlace(Exchange& exchange, std::string_view why) = 0;

 protected:
  ~Launcher() = default;
};

/// Waits for a place for a request's program (ProcessTurn::Join), first come, first served over the
/// whole pool; looks when the parent says that one is free, and each kLookAgain (the longer, the later its
/// turn is), for what the parent says can be lost with it.
///
/// Nothing of the request is done yet: if the worker dies another begins it again, and finds its turn and its
/// deadline as they were. At the deadline it is a 503; at once, where the client has closed its side: most
/// who do have left, and what nobody waits for keeps the others waiting.
class PlaceWaiter final : public Execution {
 public:
  static constexpr sys::Nanos kLookAgain = 100 * sys::kMillisecond;
  /// In how long it looks again that has so many before it, for one of `limit` places.
  static sys::Nanos LookAgainIn(std::size_t turns_before, std::size_t limit);

  /// In the line since it joined, for `patience` at most, for a place by these rules.
  PlaceWaiter(Exchange& exchange, Launcher& launcher, Body body, const PlaceRules& rules,
              sys::Nanos patience);

  void OnStepDone() override { Look(); }
  void OnReadable() override { Look(); }
  void OnProcessEnd() override { Look(); }
  void OnDeadline() override;

 private:
  void Look();
  void Refuse(std::string_view why);

  Exchange& exchange_;
  Launcher& launcher_;
  Body body_;
  const PlaceRules rules_;
  EventLoop::Timer look_again_;
  bool over_ = false;
};

}  // namespace hydrapool::cgi
