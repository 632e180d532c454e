#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pool/cgi/courier_notes.h"
#include "pool/cgi/courier_plan.h"
#include "pool/cgi/courier_tools.h"
#include "pool/cgi/response_head.h"
#include "pool/sys/clock.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/stderr_log.h"
#include "pool/sys/unique_fd.h"
#include "pool/worker/request_process.h"

namespace hydrapool::cgi {

/// Who goes on with a request whose program has named another path of this server to answer it (RFC 3875,
/// section 6.2.2).
class Redirector {
 public:
  /// Whether it is answered by us, or its client has to ask for it.
  [[nodiscard]] virtual bool Redirects(Exchange& exchange, std::string_view path) = 0;
  /// The program before is let go. The path lies in the exchange's buffer behind the request's head, and the
  /// notes say how long it is.
  virtual Begun Redirect(Exchange& exchange) = 0;

 protected:
  ~Redirector() = default;
};

/// Carries one request to its CGI process and the answer back. Only a courier: the body goes from socket to
/// pipe and the output from pipe to socket by splice(2), the output is looked at by tee(2) and stays in its
/// pipe until it has gone out, and all else that matters lies in the lease. So when the worker dies, another
/// courier goes on at the very byte.
///
/// It decides nothing: it looks (CourierView), asks what comes next (NextAction, courier_plan.h) and carries
/// that out, until there is something to wait for.
///
/// Most programs end at once: what only matters of one that lives on (that its stderr is read meanwhile, its
/// OOM score) is seen to a few milliseconds after its start.
///
/// While the request's body comes and is taken at Config::least_rate or faster, the program may go on
/// without a word. Else its deadline, which lies in the lease, moves on only when bytes have moved since it
/// was set: a courier that takes over inherits it, however often workers die.
class Courier : public Execution {
 public:
  /// The process is started and its ends are the connection's; `notes` are in place. `program` (a pidfd):
  /// only of who has started it.
  Courier(Exchange& exchange, CourierTools& tools, Redirector& redirector, std::string name,
          sys::UniqueFd program = {});
  ~Courier() override;

  /// Begins with the next round of the loop. Not for one that takes over: the connection calls that back by
  /// itself.
  void Start();

  void OnStepDone() override;
  void OnProcessEnd() override;
  void OnDeadline() override;

 private:
  struct Errors {
    sys::StderrLog log;
    sys::EventLoop::Watch watch;
  };
  void Watch();
  void Settle();
  void Renew();
  void Pump();
  /// All but the output itself: that is as it was seen last.
  [[nodiscard]] CourierView Look();
  [[nodiscard]] bool IsNews(const CourierView& view) const;
  void LookAtOutput(CourierView& view);
  void LookAtHead(CourierView& view);
  void LookAtRawHead(CourierView& view, std::string_view shown);
  [[nodiscard]] CourierView::Program LookAtProgram() const;
  [[nodiscard]] std::uint64_t RequestLeft() const;

  // courier_actions.cc
  void CarryOut(const CourierAction& action);
  void SendContinue();
  void Feed(const CourierAction& action);
  void AnswerWhole(const CourierAction& action);
  void Begin(const CourierAction& action);
  void Redirect();
  void SendHead(const CourierAction& action);
  void SendBody(const CourierAction& action);
  // courier_chunks.cc
  [[nodiscard]] CodingSeen LookAtCoding(std::string_view shown) const;
  void BeginCoding(std::uint64_t at);
  void TakeFraming(std::uint64_t size);
  void NoteCoding(std::uint64_t size, std::uint64_t at);
  [[nodiscard]] std::size_t CodingNote() const;
  void Refuse(int status, std::string_view why);
  void Cut(std::string_view why);
  void Transmit(const Transmission& transmission);
  void WidenPipe();
  [[nodiscard]] bool TakeHead();
  [[nodiscard]] std::string Head(const CourierAction& action, bool keep) const;
  [[nodiscard]] Transmission::Then End(std::uint64_t consumed_now) const;
  /// What a step that begins or is the answer consumes: what feeding does not.
  [[nodiscard]] std::uint64_t LeftToConsume() const { return notes().feeds ? 0 : RequestLeft(); }
  [[nodiscard]] CourierNotes& notes() const { return NotesOf(exchange_); }
  [[nodiscard]] int output() const { return process_.end(ProcessEnd::kOutput); }

  Exchange& exchange_;
  RequestProcess& process_;
  CourierTools& tools_;
  Redirector& redirector_;
  const std::string name_;
  const sys::UniqueFd program_;
  Errors errors_;
  sys::EventLoop::Watch output_watch_;
  sys::EventLoop::Timer look_again_;
  sys::EventLoop::Timer settle_;
  std::uint64_t left_before_;  ///< of the request, when its deadline was set
  CourierView seen_;           ///< at the last look
  ResponseHead head_;          ///< the same, where it was whole; valid until the next look
  bool over_ = false;          ///< nothing is left to do
  bool redirected_ = false;    ///< another courier has the exchange
};

}  // namespace hydrapool::cgi
