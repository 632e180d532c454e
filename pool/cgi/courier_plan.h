#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "pool/cgi/courier_notes.h"
#include "pool/sys/clock.h"

namespace hydrapool::cgi {

/// What a chunk-coded output has come to.
struct CodingSeen {
  enum class State : std::uint8_t { kNone, kGoesOn, kDone, kBad };
  State state = State::kNone;  ///< kNone: it is not coded
  std::uint64_t framing = 0;   ///< in its pipe: bytes of chunks' framing before the next data
  std::uint64_t data = 0;      ///< and then so much data. Before the answer has begun: all data so far
};

/// What the beginning of a program's output says of its answer.
struct HeadSeen {
  enum class State : std::uint8_t { kMissing, kWhole, kMalformed };
  State state = State::kMissing;
  std::size_t size = 0;                           ///< of the head
  std::optional<std::uint64_t> content_length{};  ///< what the program promises
  bool bodyless = false;                          ///< its status has no body
  bool redirects = false;                         ///< to another path of this server
  std::string_view why{};                         ///< kMalformed
};

/// All that a courier's next action depends on, as it sees it at one moment.
struct CourierView {
  /// kEnding: it is dead and the parent has not said how it died.
  enum class Program : std::uint8_t { kRuns, kEnding, kEnded, kKilled };

  CourierNotes notes{};
  std::uint64_t sent = 0;            ///< on the connection, by the steps that are complete
  std::uint64_t consumed = 0;        ///< the same
  bool feeding = false;              ///< a piece of the request is on its way to the program
  bool input_open = false;           ///< the program may still take its input
  Program program = Program::kRuns;  ///< looked at before the output
  std::size_t available = 0;         ///< bytes of output in its pipe
  bool hung_up = false;              ///< no process can write any more
  std::size_t pressure = 32 * 1024;  ///< so much output does not wait
  bool widened = false;              ///< the pipe is already as large as it gets
  HeadSeen head{};                   ///< with Stage::kAsked
  CodingSeen coding{};               ///< of the body, once its head is whole
  sys::Nanos now = 0;
  sys::Nanos head_at = 0;           ///< when the head was first seen whole
  sys::Nanos quiet_since = 0;       ///< since when neither the output nor the program has changed
  std::uint32_t least_rate = 2048;  ///< of an upload, bytes a second
};

struct CourierAction {
  enum class Kind : std::uint8_t {
    kWait,
    kPauseFeed,    ///< end the step that feeds, so that something can be sent
    kContinue,     ///< send "100 Continue"
    kFeed,         ///< drop `discard` bytes of the request, give the program the next `bytes`
    kEndInput,     ///< the program has got all of it
    kWiden,        ///< the pipe is full of a head without an end
    kAnswerWhole,  ///< head and body in one step: all of it is at hand
    kRedirect,     ///< the program that its path names is to answer
    kBegin,        ///< note how the answer is framed, and put its head into the slab
    kSendHead,     ///< take the program's head out of the pipe, send ours
    kTakeFraming,  ///< take `bytes` of chunks' framing out of the pipe
    kSendBody,     ///< send `bytes` of output
    kRefuse,       ///< answer with `status` instead, and end the program
    kCut,          ///< a part of the answer is out and the rest will never come
  };
  Kind kind = Kind::kWait;
  sys::Nanos look_again = 0;  ///< kWait: look again then at the latest; 0: an event will tell
  std::uint64_t discard = 0;
  std::uint64_t bytes = 0;
  bool last = false;  ///< kSendHead, kSendBody: with it the answer is complete
  Framing framing = Framing::kNone;
  std::optional<std::uint64_t> length{};  ///< of the body
  int status = 0;
  std::string_view why{};

  bool operator==(const CourierAction&) const = default;
};

/// An answer is held back so long since its head, or until it is whole: most are, and go out in one step.
inline constexpr sys::Nanos kHoldBack = 20 * sys::kMillisecond;
/// A child may write on so long after its program ended, each time.
inline constexpr sys::Nanos kChildGrace = 100 * sys::kMillisecond;
/// And so long while there is no head, or less than was promised: no whole answer is held up, and a child
/// that is to write the rest may get its first turn late on a full machine.
inline constexpr sys::Nanos kOwedGrace = sys::kSecond;
/// No event tells of a write that fills a pipe in which something lay: it wakes its reader only when it is
/// done, and waits for room before that (pipe_write in the kernel).
inline constexpr sys::Nanos kLookAgain = 50 * sys::kMillisecond;
/// An answer is sent in one step up to this size of head and body, with a head of no more than kWholeHead.
inline constexpr std::size_t kWholeAnswer = 48 * 1024;
inline constexpr std::size_t kWholeHead = 16 * 1024;
/// More local redirects in a row are a loop.
inline constexpr int kMostRedirects = 10;

/// What a courier does next. A pure function, called again after each action until it says kWait.
///
/// The output's end is its pipe's end, or an empty pipe kChildGrace (while more is owed: kOwedGrace) after
/// the program is gone: a child that holds it does not hold the answer. An answer is whole when the promised
/// Content-Length is there (what comes after it is no part of it), or when the output has ended and its
/// program was not killed by a signal before it closed it. A program that promised more than it wrote, or was
/// killed, is a 502 before the first byte of its answer and a cut after it.
///
/// The chunks of a coded output are taken off: whole is what its last chunk ends, and bad chunks are as a
/// promise broken.
///
/// While the request is still being fed, an answer waits until it ends or presses.
[[nodiscard]] CourierAction NextAction(const CourierView& view);

/// An upload may take longer than the program's deadline as long as more bytes than these come from one
/// deadline to the next.
[[nodiscard]] constexpr std::uint64_t TooFew(sys::Nanos patience, std::uint32_t least_rate) {
  return static_cast<std::uint64_t>(patience / sys::kSecond) * least_rate;
}

/// What a courier does when its deadline has passed and `fed` bytes of the request have been taken since it
/// was set. kWait: the deadline is set again.
[[nodiscard]] CourierAction AtDeadline(const CourierView& view, std::uint64_t fed);

}  // namespace hydrapool::cgi
