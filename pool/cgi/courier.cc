#include "pool/cgi/courier.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <utility>

#include "pool/cgi/answer_head.h"
#include "pool/cgi/process.h"
#include "pool/cgi/program_start.h"
#include "pool/sys/child.h"
#include "pool/sys/log.h"
#include "pool/worker/worker_desk.h"

namespace hydrapool::cgi {
namespace {

using Program = CourierView::Program;

constexpr int kActionsAtOnce = 64;  // then it is others' turn
constexpr sys::Nanos kSettle = 5 * sys::kMillisecond;

}  // namespace

Courier::Courier(Exchange& exchange, CourierTools& tools, Redirector& redirector, std::string name,
                 sys::UniqueFd program)
    : exchange_(exchange),
      process_(exchange.process()),
      tools_(tools),
      redirector_(redirector),
      name_(std::move(name)),
      program_(std::move(program)),
      errors_{.log = sys::StderrLog(name_), .watch = {}},
      left_before_(RequestLeft()) {
  Watch();
}

Courier::~Courier() {
  if (redirected_) return;
  if (const int errors = process_.end(ProcessEnd::kErrors); errors >= 0) errors_.log.Drain(errors);
  errors_.log.Finish();
}

void Courier::Watch() {
  if (const int size = ::fcntl(output(), F_GETPIPE_SZ); size > 0)
    seen_.pressure = std::min(seen_.pressure, static_cast<std::size_t>(size) / 2);
  if (output() >= 0)
    output_watch_ = exchange_.Watch(output(), EPOLLIN | EPOLLET, [this](std::uint32_t) { Pump(); });
  settle_ = exchange_.At(sys::Now() + kSettle, [this] { Settle(); });
}

void Courier::Settle() {
  const ProcessWord word = process_.state();
  if (tools_.oom_score && word.state == ProcessWord::State::kRunning) {
    // Another worker may have started it, and died before it came to this.
    const sys::UniqueFd found = program_ ? sys::UniqueFd() : sys::OpenPidfd(word.value);
    RaiseOomScore(word.value, (program_ ? program_ : found).get(), *tools_.oom_score);
  }
  const int errors = process_.end(ProcessEnd::kErrors);
  if (errors < 0) return;
  errors_.watch = exchange_.Watch(errors, EPOLLIN, [this, errors](std::uint32_t) {
    if (!errors_.log.Drain(errors)) errors_.watch.Reset();
  });
}

void Courier::Start() {
  look_again_ = exchange_.At(0, [this] { OnStepDone(); });
}

void Courier::OnStepDone() {
  Renew();
  Pump();
}

void Courier::OnProcessEnd() { Pump(); }

// The deadline first, then the note: a death between the two renews it once more, and never too seldom.
void Courier::Renew() {
  const std::uint64_t moved = exchange_.total_sent() + exchange_.total_consumed();
  if (notes().timed_at == moved) return;
  exchange_.SetDeadline(sys::Now() + notes().patience);
  notes().timed_at = moved;
  left_before_ = RequestLeft();
}

void Courier::OnDeadline() {
  if (over_) return;
  if (process_.feeding()) process_.PauseFeed();
  const CourierAction action = AtDeadline(Look(), left_before_ - RequestLeft());
  if (action.kind == CourierAction::Kind::kWait) return OnStepDone();
  char byte;
  const bool client_is_late = notes().feeds && RequestLeft() > 0 && !exchange_.Peek({&byte, 1});
  if (client_is_late) exchange_.connection().worker().internals.board.Hit(Limit::kBodyRate);
  sys::log::Warn("{}: not done within its deadline: ended", name_);
  process_.TimeOut();
  CarryOut(action);
}

std::uint64_t Courier::RequestLeft() const {
  return notes().request_begin + notes().request_total - exchange_.total_consumed();
}

void Courier::Pump() {
  for (int actions = 0; !over_ && !exchange_.sending(); ++actions) {
    if (actions == kActionsAtOnce) {
      look_again_ = exchange_.At(0, [this] { Pump(); });
      return;
    }
    CourierView view = Look();
    if (IsNews(view) || NextAction(view).kind != CourierAction::Kind::kWait) LookAtOutput(view);
    seen_ = view;
    const CourierAction action = NextAction(view);
    if (action.kind == CourierAction::Kind::kWait) {
      look_again_.Reset();
      if (action.look_again > 0) look_again_ = exchange_.At(action.look_again, [this] { Pump(); });
      return;
    }
    CarryOut(action);
  }
}

CourierView::Program Courier::LookAtProgram() const {
  const ProcessWord word = process_.state();
  switch (word.state) {
    case ProcessWord::State::kFailed:
      return Program::kKilled;
    case ProcessWord::State::kEnded:
      return word.value > 256 ? Program::kKilled : Program::kEnded;
    default:
      return Program::kRuns;
  }
}

// The program before its output: what it wrote before it ended is seen then.
CourierView Courier::Look() {
  CourierView view{.notes = notes(),
                   .sent = exchange_.total_sent(),
                   .consumed = exchange_.total_consumed(),
                   .feeding = process_.feeding(),
                   .input_open = process_.end(ProcessEnd::kInput) >= 0,
                   .program = LookAtProgram(),
                   .pressure = seen_.pressure,
                   .widened = seen_.widened,
                   .head = seen_.head,
                   .coding = seen_.coding,
                   .now = sys::Now(),
                   .head_at = seen_.head_at,
                   .quiet_since = seen_.quiet_since,
                   .least_rate = tools_.least_rate};
  std::array<pollfd, 2> states{{{output(), POLLIN, 0}, {program_.get(), POLLIN, 0}}};
  ::poll(states.data(), program_ ? 2 : 1, 0);
  int available = 0;
  ::ioctl(output(), FIONREAD, &available);  // after the poll: what has ended does not grow
  view.available = static_cast<std::size_t>(available);
  view.hung_up = (states[0].revents & POLLHUP) != 0;
  if (view.hung_up && view.program == Program::kRuns) {
    if (states[1].revents != 0 || IsEnding(process_.state().value)) {
      view.program = Program::kEnding;
    } else if (process_.state().state == ProcessWord::State::kRunning) {
      view.notes.output_closed = notes().output_closed = true;
    }
  }
  const bool changed = view.available != seen_.available || view.program != seen_.program ||
                       view.sent != seen_.sent || seen_.quiet_since == 0;
  if (changed) view.quiet_since = view.now;
  return view;
}

// While nothing is taken out of it, so much output is the same.
bool Courier::IsNews(const CourierView& view) const {
  return view.notes.stage != CourierNotes::Stage::kAsked || view.available != seen_.available;
}

void Courier::LookAtOutput(CourierView& view) {
  if (view.notes.stage == CourierNotes::Stage::kAsked) {
    LookAtHead(view);
  } else if (view.notes.coded && view.sent >= view.notes.answer_begin + view.notes.http_head) {
    view.coding = LookAtCoding(tools_.Look(output(), view.available));
  }
}

void Courier::LookAtRawHead(CourierView& view, std::string_view shown) {
  const auto status = ParseRawStatus(shown);
  head_ = {};
  if (const auto* bad = std::get_if<Malformed>(&status)) {
    view.head = {.state = HeadSeen::State::kMalformed, .why = bad->why};
  } else if (const int* seen = std::get_if<int>(&status)) {
    head_.status = *seen;
    view.head = {.state = HeadSeen::State::kWhole};
    if (view.head_at == 0) view.head_at = view.now;
  }
}

void Courier::LookAtHead(CourierView& view) {
  const std::string_view shown = tools_.Look(output(), view.available);
  if (view.notes.raw) return LookAtRawHead(view, shown);
  const auto parsed = ParseResponseHead(shown, tools_.reading());
  if (const auto* bad = std::get_if<Malformed>(&parsed)) {
    view.head = {.state = HeadSeen::State::kMalformed, .why = bad->why};
  } else if (const auto* head = std::get_if<ResponseHead>(&parsed)) {
    head_ = *head;
    view.head = {
        .state = HeadSeen::State::kWhole,
        .size = head->head_size,
        .content_length = head->chunked ? std::nullopt : head->content_length,
        .bodyless = IsBodyless(head->status),
        .redirects = head->kind == ResponseKind::kLocalRedirect &&
                     redirector_.Redirects(exchange_, head->location.substr(0, head->location.find('?')))};
    if (head->chunked) view.coding = LookAtCoding(shown.substr(head->head_size));
    if (view.head_at == 0) view.head_at = view.now;
  }
}

}  // namespace hydrapool::cgi
