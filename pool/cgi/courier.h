#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pool/cgi/response_head.h"
#include "pool/cgi/stderr_log.h"
#include "pool/core/connection.h"
#include "pool/sys/clock.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/unique_fd.h"

namespace cgi {

/// How much memory a worker's requests may hold at once in bodies and answers that must be made whole first.
class SpoolBudget {
 public:
  static constexpr std::size_t kMost = 256 << 20;

  /// A request's share; given back when it is destroyed.
  class Share {
   public:
    explicit Share(SpoolBudget& budget) : budget_(budget) {}
    ~Share() { budget_.used_ -= taken_; }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    /// False: the worker has no more to give.
    [[nodiscard]] bool Take(std::size_t bytes) {
      if (bytes > kMost - budget_.used_) return false;
      budget_.used_ += bytes;
      taken_ += bytes;
      return true;
    }

   private:
    SpoolBudget& budget_;
    std::size_t taken_ = 0;
  };

 private:
  std::size_t used_ = 0;
};

/// What every response of a worker carries, and scratch space that its couriers share.
class CourierTools {
 public:
  explicit CourierTools(std::string extra_lines);

  /// "Sun, 06 Nov 1994 08:49:37 GMT", kept for the second.
  std::string_view Date(sys::Nanos now);
  [[nodiscard]] std::string_view extra_lines() const { return extra_lines_; }

  /// Shows what waits in a pipe without taking it out (tee(2)).
  std::string_view Look(int pipe, std::size_t most);

  SpoolBudget budget;

 private:
  std::string extra_lines_;
  std::string date_;
  sys::Nanos date_at_ = 0;
  sys::UniqueFd look_in_;
  sys::UniqueFd look_out_;
  std::vector<char> buffer_;
};

/// What a courier keeps in its lease's notes, so that another can take over where it stands. Written before
/// what it tells of is done; what it does not tell is read off the kernel's pipes and counters.
struct CourierNotes {
  std::uint64_t request_total = 0;  ///< the request's bytes: head, and body where its length is known
  std::uint64_t request_begin = 0;  ///< consumed before it, on the connection
  std::uint64_t sent_begin = 0;     ///< sent before the request was begun
  std::uint64_t answer_begin = 0;   ///< sent before the answer, on the connection; from `streaming` on
  std::uint64_t body_begin = 0;     ///< and before its body
  std::uint64_t body_length = 0;    ///< of the answer, with `framed_by_length`
  sys::Nanos patience = 0;          ///< how long the program may let its client wait, each time
  std::uint32_t request_head = 0;   ///< size of the request's head
  std::uint32_t cgi_head = 0;       ///< size of the CGI's own head once it is being taken out of the pipe
  std::uint8_t status_class = 0;    ///< of the answer, from `streaming` on
  bool keep_alive = false;
  bool head_request = false;
  bool may_chunk = true;
  bool feeds = false;           ///< the body goes through a pipe, piece by piece
  bool wants_continue = false;  ///< "100 Continue" comes before the body
  bool framed_by_length = false;
  bool streaming = false;  ///< the answer goes out piece by piece
  bool spooling = false;   ///< output is being taken into this worker's memory: it dies with it
};

/// The notes of a connection whose request is answered by a process.
inline CourierNotes& NotesOf(const pool::Connection& connection) {
  return *reinterpret_cast<CourierNotes*>(connection.notes().data());
}

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
/// An answer whose process was killed by a signal is a 502 or, if a part has gone out, a reset.
class Courier : public pool::Execution {
 public:
  static constexpr sys::Nanos kHoldBack = 20 * sys::kMillisecond;
  static constexpr sys::Nanos kExitGrace = 50 * sys::kMillisecond;
  static constexpr std::size_t kMaxSpool = 64 << 20;

  /// The process is started and its ends are the connection's; `notes` are in place.
  Courier(pool::Connection& connection, CourierTools& tools, std::string name);
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
  void Pump();
  [[nodiscard]] Output See() const;
  Next FeedOn();
  Next BeginAnswer(const Output& output);
  Next AnswerWhole(const ResponseHead& head, std::string_view body);
  Next BeginStream(const ResponseHead& head, const Output& output);
  Next StreamOn(const Output& output);
  Next Spool(const Output& output);
  Next Transmit(const pool::Transmission& transmission);
  Next Refuse(int status, std::string_view why);
  std::string HttpHead(const ResponseHead& head, std::optional<std::uint64_t> length, bool chunked,
                       bool keep) const;
  bool TakeHead();
  [[nodiscard]] bool ExitKnown();
  [[nodiscard]] bool Crashed() const;
  [[nodiscard]] std::uint64_t RequestLeft() const;
  pool::Transmission::Then End(std::uint64_t consumed_now) const;
  [[nodiscard]] CourierNotes& notes() const { return NotesOf(connection_); }
  void Watch();

  pool::Connection& connection_;
  CourierTools& tools_;
  std::string name_;
  StderrLog errors_;
  sys::EventLoop::Watch output_watch_;
  sys::EventLoop::Watch errors_watch_;
  sys::EventLoop::Timer timer_;
  bool over_ = false;
  bool held_back_ = false;  ///< the hold-back has passed
  bool exit_waited_ = false;
  bool spools_here_ = false;
  std::size_t pressure_ = 4096;  ///< so much output does not wait for its request to be fed
  std::string spooled_;
  SpoolBudget::Share share_;
};

}  // namespace cgi
