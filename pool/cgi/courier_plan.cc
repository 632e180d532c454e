#include "pool/cgi/courier_plan.h"

#include <algorithm>

namespace hydrapool::cgi {
namespace {

using Action = CourierAction;
using Kind = CourierAction::Kind;
using Program = CourierView::Program;
using Coding = CodingSeen::State;

constexpr std::uint64_t kMostAtOnce = 1u << 30;  // of a body, in one step

std::uint64_t RequestLeft(const CourierView& view) {
  return view.notes.request_begin + view.notes.request_total - view.consumed;
}

bool Unfed(const CourierView& view) { return view.notes.feeds && view.input_open && RequestLeft(view) > 0; }

bool Gone(const CourierView& view) {
  return view.program == Program::kEnded || view.program == Program::kKilled;
}

/// What there is would be none of an answer, or half of what was promised.
bool OwesMore(const CourierView& view) {
  const CourierNotes& notes = view.notes;
  if (notes.stage == CourierNotes::Stage::kAnswering) {
    if (notes.coded) return view.coding.state != Coding::kDone;
    const std::uint64_t sent = view.sent - std::min(view.sent, notes.answer_begin + notes.http_head);
    return notes.framing == Framing::kLength && sent + view.available < notes.body_length;
  }
  if (view.head.state == HeadSeen::State::kMissing) return true;
  if (view.head.bodyless || notes.head_request) return false;
  if (view.coding.state != Coding::kNone) return view.coding.state != Coding::kDone;
  return view.available < view.head.size + view.head.content_length.value_or(0);
}

sys::Nanos GraceOf(const CourierView& view) { return OwesMore(view) ? kOwedGrace : kChildGrace; }

bool OutputOver(const CourierView& view) {
  return view.hung_up || (Gone(view) && view.now >= view.quiet_since + GraceOf(view));
}

bool EndKnown(const CourierView& view) {
  return view.notes.output_closed || view.program != Program::kEnding;
}

bool Crashed(const CourierView& view) {
  return !view.notes.output_closed && view.program == Program::kKilled;
}

Action Wait(const CourierView& view, sys::Nanos until = 0) {
  sys::Nanos look_again = until;
  const auto sooner = [&look_again](sys::Nanos at) {
    look_again = look_again == 0 ? at : std::min(look_again, at);
  };
  if (view.available > 0 && !view.hung_up) sooner(view.now + kLookAgain);
  if (Gone(view) && !view.hung_up) sooner(view.quiet_since + GraceOf(view));
  if (view.program == Program::kEnding) sooner(view.now + kLookAgain);
  return {.kind = Kind::kWait, .look_again = look_again};
}

Action Refuse(int status, std::string_view why) {
  return {.kind = Kind::kRefuse, .status = status, .why = why};
}

Action Cut(const CourierView& view) {
  return {.kind = Kind::kCut,
          .why = Crashed(view) ? "crashed in the middle of its answer" : "ended in the middle of its answer"};
}

Action WithoutHead(const CourierView& view) {
  if (!OutputOver(view)) {
    return view.available >= view.pressure && !view.widened ? Action{.kind = Kind::kWiden} : Wait(view);
  }
  if (!EndKnown(view)) return Wait(view);
  return Refuse(502, Crashed(view) ? "the program crashed" : "the program ended before the end of its head");
}

Action Answer(const CourierView& view, std::uint64_t body, bool whole) {
  const auto& promised = view.head.content_length;
  if (view.notes.raw) return {.kind = Kind::kBegin, .framing = Framing::kClose};
  if (view.head.redirects) {
    return view.notes.redirects < kMostRedirects ? Action{.kind = Kind::kRedirect}
                                                 : Refuse(502, "too many local redirects");
  }
  if (view.notes.head_request || view.head.bodyless)
    return {.kind = Kind::kAnswerWhole, .framing = Framing::kNone, .length = promised};
  Action action{.kind = Kind::kBegin, .framing = Framing::kLength, .length = promised};
  const bool coded = view.coding.state != Coding::kNone;
  if (!promised && (coded ? view.coding.state == Coding::kDone : OutputOver(view))) action.length = body;
  if (!action.length) action.framing = view.notes.may_chunk ? Framing::kChunks : Framing::kClose;
  if (whole && view.available <= kWholeAnswer && view.head.size <= kWholeHead)
    action.kind = Kind::kAnswerWhole;
  return action;
}

/// An answer of which more may come is held back while it can be.
Action Press(const CourierView& view, std::uint64_t body) {
  if (view.available < view.pressure) {
    if (Unfed(view)) return Wait(view);
    if (view.now < view.head_at + kHoldBack) return Wait(view, view.head_at + kHoldBack);
  }
  return Answer(view, body, false);
}

/// The head is whole, and the body after it is coded in chunks.
Action WithCodedBody(const CourierView& view) {
  if (view.coding.state == Coding::kBad) return Refuse(502, "the program's chunks are malformed");
  const bool done = view.coding.state == Coding::kDone;
  const bool over = OutputOver(view);
  if (over && !done && !EndKnown(view)) return Wait(view);
  if (over && !done)
    return Refuse(502, Crashed(view) ? "the program crashed" : "the program's output ends within its chunks");
  if (over || (done && !Unfed(view))) return Answer(view, view.coding.data, true);
  return Press(view, view.coding.data);
}

Action WithHead(const CourierView& view) {
  const auto& promised = view.head.content_length;
  const std::uint64_t body = view.available - std::min(view.available, view.head.size);
  const bool bodyless = view.notes.head_request || view.head.bodyless;
  if (view.coding.state != Coding::kNone && !bodyless) return WithCodedBody(view);
  const bool done = view.coding.state == Coding::kDone || (promised && body >= *promised);
  const bool fulfilled = done && !bodyless;
  if (OutputOver(view)) {
    const bool whole = done || view.head.bodyless;
    if (!whole && !EndKnown(view)) return Wait(view);
    if (!whole && Crashed(view)) return Refuse(502, "the program crashed");
    if (promised && !fulfilled && !bodyless)
      return Refuse(502, "the program's output is shorter than it promised");
    return Answer(view, body, true);
  }
  if (fulfilled && !Unfed(view)) return Answer(view, body, true);
  return Press(view, body);
}

Action SendBody(std::uint64_t bytes, bool last) {
  return {.kind = Kind::kSendBody, .bytes = bytes, .last = last};
}

Action SendByLength(const CourierView& view, std::uint64_t sent) {
  const std::uint64_t left = view.notes.body_length - std::min(view.notes.body_length, sent);
  const std::uint64_t size = std::min({std::uint64_t{view.available}, left, kMostAtOnce});
  if (size == left && (!Unfed(view) || OutputOver(view))) return SendBody(size, true);
  if (size > 0) return SendBody(size, false);
  if (left == 0 || !OutputOver(view) || !EndKnown(view)) return Wait(view);
  return Cut(view);
}

Action SendToTheEnd(const CourierView& view) {
  const std::uint64_t size = std::min(std::uint64_t{view.available}, kMostAtOnce);
  if (OutputOver(view) && EndKnown(view)) {
    return Crashed(view) ? Cut(view) : SendBody(size, size == view.available);
  }
  return size > 0 ? SendBody(size, false) : Wait(view);
}

Action SendCoded(const CourierView& view) {
  const CodingSeen& coding = view.coding;
  if (coding.state == Coding::kDone) return Unfed(view) && !OutputOver(view) ? Wait(view) : SendBody(0, true);
  if (coding.state == Coding::kBad) return {.kind = Kind::kCut, .why = "malformed chunks in its answer"};
  if (coding.data > 0 && coding.framing > 0) return {.kind = Kind::kTakeFraming, .bytes = coding.framing};
  if (coding.data > 0) return SendBody(coding.data, false);
  return OutputOver(view) && EndKnown(view) ? Cut(view) : Wait(view);
}

Action AnswerOn(const CourierView& view) {
  const CourierNotes& notes = view.notes;
  const std::uint64_t body_begin = notes.answer_begin + notes.http_head;
  if (view.sent < body_begin) {
    const bool last = notes.framing == Framing::kLength && notes.body_length == 0 && !Unfed(view);
    return {.kind = Kind::kSendHead, .last = last};
  }
  if (notes.framing == Framing::kLength) return SendByLength(view, view.sent - body_begin);
  if (notes.coded) return SendCoded(view);
  return SendToTheEnd(view);
}

Action AnswerAction(const CourierView& view) {
  if (view.notes.stage == CourierNotes::Stage::kAnswering) return AnswerOn(view);
  switch (view.head.state) {
    case HeadSeen::State::kMissing:
      return WithoutHead(view);
    case HeadSeen::State::kMalformed:
      return Refuse(502, view.head.why);
    case HeadSeen::State::kWhole:
      return WithHead(view);
  }
  return Wait(view);
}

Action FeedAction(const CourierView& view) {
  const CourierNotes& notes = view.notes;
  const std::uint64_t left = RequestLeft(view);
  if (left == 0) return {.kind = Kind::kEndInput};
  if (notes.wants_continue && view.sent == notes.sent_begin) return {.kind = Kind::kContinue};
  const std::uint64_t taken = notes.request_total - left;
  const std::uint64_t head = taken < notes.request_head ? notes.request_head - taken : 0;
  return {.kind = Kind::kFeed, .discard = head, .bytes = std::min(left - head, kMostAtOnce)};
}

}  // namespace

CourierAction NextAction(const CourierView& view) {
  const Action answer = AnswerAction(view);
  if (answer.kind != Kind::kWait) return view.feeding ? Action{.kind = Kind::kPauseFeed} : answer;
  return view.notes.feeds && view.input_open && !view.feeding ? FeedAction(view) : answer;
}

CourierAction AtDeadline(const CourierView& view, std::uint64_t fed) {
  if (fed > TooFew(view.notes.patience, view.least_rate)) return {};
  if (view.notes.stage == CourierNotes::Stage::kAsked)
    return Refuse(504, "the program did not answer in time");
  const CourierNotes& notes = view.notes;
  const bool whole = notes.framing == Framing::kLength &&
                     view.sent >= notes.answer_begin + notes.http_head + notes.body_length;
  if (whole) return SendBody(0, true);
  return {.kind = Kind::kCut, .why = "did not go on with its answer in time"};
}

}  // namespace hydrapool::cgi
