#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "harness/echo/answer_parser.h"
#include "harness/echo/echo_ledger.h"
#include "harness/echo/echo_request.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {

/// How a connection comes to its end after its last request.
enum class Ending {
  kNone,       ///< It has no last request.
  kHeader,     ///< The last request says "Connection: close"; the server closes.
  kHalfClose,  ///< The client shuts down its side after the last request; the server answers all, then
               ///< closes.
  kOurClose,   ///< The client closes when all is answered.
};

/// What each connection of a run does.
struct EchoPlan {
  sockaddr_storage address{};
  socklen_t address_length = 0;
  std::string host;               ///< For the Host header.
  std::string path = "/";         ///< The id is appended: as the query, /?17, or to the one that is there.
  std::string expect = "hello ";  ///< The body of a GET's answer is this, the id and a newline.
  bool any_answer = false;        ///< Instead: any whole answer below 400 is right.
  std::size_t pipeline = 1;       ///< Requests on their way at once.
  std::uint64_t requests = 0;     ///< For each connection, with an Ending.
  Ending ending = Ending::kNone;
  std::int64_t slow_reader =
      0;                 ///< Bytes read each second, with a small receive buffer; 0: as fast as they come.
  sys::Nanos pause = 0;  ///< From having all answers to asking again. Not together with slow_reader.
  EchoMix mix = {};      ///< What makes requests and connections differ.
};

/// One client connection of the exactly-once checker: asks, accounts for each answer in the ledger, ends as
/// planned.
///
///   connecting → asking → finishing (the last request is out) → ended
///
/// One object may live through several connections: Open() starts the next. `on_end` is called once for each,
/// as the last thing; whatever was still on its way is in the ledger as lost by then. The server may close
/// between two answers: that ends the connection without a loss. A local port that cannot be had is no
/// failure of the server: it is tried again. One thread. Throws std::system_error where a socket cannot be
/// made.
class EchoConnection {
 public:
  using OnEnd = std::function<void(EchoConnection&)>;

  /// `requests` are written for all connections of a run by one writer.
  EchoConnection(sys::EventLoop& loop, EchoLedger& ledger, EchoRequests& requests, const EchoPlan& plan,
                 OnEnd on_end);

  void Open();
  /// The same, after a while.
  void OpenAt(sys::Nanos due);
  /// Asks nothing more.
  void StopAsking() { asking_ = false; }
  /// Gives up what is on its way (unanswered), and closes. Does not call on_end.
  void Abandon();

  [[nodiscard]] bool waiting() const { return !line_.empty(); }
  [[nodiscard]] bool is_open() const { return static_cast<bool>(fd_); }
  /// The last connection did not come about.
  [[nodiscard]] bool failed_to_connect() const { return life_.failed_to_connect; }
  /// The last connection had an answer.
  [[nodiscard]] bool answered() const { return life_.answered > 0; }
  /// How many connections in a row the server has ended of its own will as soon as it had answered.
  [[nodiscard]] int unkept_in_a_row() const { return unkept_in_a_row_; }
  /// The server ended the last connection in the middle of its second request, and had not said that it
  /// would.
  [[nodiscard]] bool ended_after_one() const { return life_.ended_after_one; }

 private:
  /// What is true of one connection.
  struct Life {
    std::uint64_t asked = 0;
    std::uint64_t answered = 0;
    std::uint64_t moved = 0;        ///< Bytes, both ways.
    std::uint64_t reset_after = 0;  ///< So many of them; 0: it is not reset.
    std::size_t sent = 0;           ///< Of out_.
    sys::Nanos last_answer = 0;
    int port = 0;
    std::uint32_t interest = 0;
    bool bytewise = false;
    bool connected = false;
    bool finishing = false;
    bool failed_to_connect = false;
    bool says_close = false;
    bool ended_after_one = false;
  };
  void Watch();
  void OnEvents(std::uint32_t events);
  void FinishConnecting();
  void FailToConnect(int error);
  void Ask();
  /// False: the connection is over.
  bool Flush();
  bool AskAgain();
  [[nodiscard]] bool ResetIsDue() const { return life_.reset_after != 0 && life_.moved >= life_.reset_after; }
  void GiveUp();
  void Read();
  void NoteHowItEnded(Loss how);
  [[nodiscard]] std::optional<std::uint64_t> IdOf(std::string_view body) const;
  void RestFromReading(std::size_t bytes);
  void TakeAnswers();
  void End(Loss how);
  [[nodiscard]] std::uint32_t Interest() const;
  [[nodiscard]] std::size_t SendLimit() const;
  [[nodiscard]] std::size_t ReadLimit() const;
  [[nodiscard]] std::size_t UntilReset() const;

  sys::EventLoop& loop_;
  EchoLedger& ledger_;
  EchoRequests& requests_;
  const EchoPlan& plan_;
  OnEnd on_end_;
  sys::UniqueFd fd_;
  sys::EventLoop::Watch watch_;  // after fd_: it ends first
  sys::EventLoop::Timer timer_;
  AnswerParser parser_;
  EchoLedger::Line line_;
  std::string out_;
  Life life_;
  int unkept_in_a_row_ = 0;
  bool asking_ = true;
};

}  // namespace hydrapool::harness
