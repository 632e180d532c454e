#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pool/cgi/courier_notes.h"
#include "pool/cgi/courier_tools.h"
#include "pool/cgi/response_head.h"
#include "pool/sys/stderr_log.h"
#include "pool/sys/clock.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/unique_fd.h"
#include "pool/worker/connection.h"

namespace hydrapool::cgi {

/// Carries one request to its CGI process and the answer back. Only a courier: the body goes from socket to
/// pipe and the output from pipe to socket by splice(2), the output is looked at by tee(2) and stays in its
/// pipe until it has gone out, and all else that matters lies in the lease. So when the worker dies, another
/// courier goes on at the very byte.
///
/// The answer is held back until it is whole or kHoldBack has passed since its head: what is whole by then
/// and fits the slab goes out in one step, framed by its length; what is not goes out piece by piece, framed
/// by the length that the program promised or by chunks. For HTTP/1.0 without a promised length it is first
/// taken into memory (at most kMaxSpool).
///
/// While the request's body comes and is taken at 2 KiB a second or more, the program may go on without a
/// word. Else its deadline, which lies in the lease, moves on only when bytes have moved since it was set: a
/// courier that takes over inherits it, however often workers die.
///
/// An answer whose process was killed by a signal is a 502 or, if a part has gone out, a reset.
class Courier : public hydrapool::Execution {
 public:
  static constexpr sys::Nanos kHoldBack = 20 * sys::kMillisecond;
  static constexpr sys::Nanos kExitGrace = 50 * sys::kMillisecond;
  static constexpr sys::Nanos kLookAgain = 50 * sys::kMillisecond;
  static constexpr std::size_t kMaxSpool = 64 << 20;

  /// The process is started and its ends are the connection's; `notes` are in place.
  Courier(hydrapool::Connection& connection, CourierTools& tools, std::string name);
  ~Courier() override;

  /// Begins with the next round of the loop. Not for one that takes over: the connection calls that back by
  /// itself.
  void Start();

  void OnStepDone() override;
  void OnProcessEnd() override;
  void OnDeadline() override;

 private:
  struct Output {
    std::size_t available = 0;
    bool ended = false;  ///< no more will come after those
  };
  enum class Next { kWait, kAgain };

  void Run();
  void Renew();
  void Pump();
  [[nodiscard]] Output See() const;
  Next FeedOn();
  Next BeginAnswer(const Output& output);
  Next AnswerWhole(const ResponseHead& head, std::string_view body);
  Next BeginStream(const ResponseHead& head, const Output& output);
  Next StreamOn(const Output& output);
  Next Spool(const Output& output);
  Next Transmit(const hydrapool::Transmission& transmission);
  Next Refuse(int status, std::string_view why);
  std::string Head(const ResponseHead& head, std::optional<std::uint64_t> length, bool chunked, bool keep);
  bool TakeHead();
  [[nodiscard]] bool ExitKnown();
  [[nodiscard]] bool Crashed() const;
  [[nodiscard]] std::uint64_t RequestLeft() const;
  /// What a step that begins or is the answer consumes: what feeding does not.
  [[nodiscard]] std::uint64_t LeftToConsume() const { return notes().feeds ? 0 : RequestLeft(); }
  hydrapool::Transmission::Then End(std::uint64_t consumed_now) const;
  [[nodiscard]] CourierNotes& notes() const { return NotesOf(connection_); }
  void Watch();

  hydrapool::Connection& connection_;
  CourierTools& tools_;
  std::string name_;
  sys::StderrLog errors_;
  sys::EventLoop::Watch output_watch_;
  sys::EventLoop::Watch errors_watch_;
  sys::EventLoop::Timer timer_;
  sys::EventLoop::Timer look_again_;
  std::uint64_t left_before_;  ///< of the request, when its deadline was set
  bool over_ = false;
  bool held_back_ = false;  ///< the hold-back has passed
  bool exit_waited_ = false;
  bool spools_here_ = false;
  std::size_t pressure_ = 4096;  ///< so much output does not wait for its request to be fed
  std::string spooled_;
  SpoolBudget::Share share_;
};

}  // namespace hydrapool::cgi
