#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "pool/cgi/courier_plan.h"

/// What a courier may see and what it may do next, in words short enough for a table.
namespace hydrapool::cgi {

inline void PrintTo(const CourierAction& action, std::ostream* out) {
  *out << "{kind " << static_cast<int>(action.kind) << ", look again " << action.look_again << ", discard "
       << action.discard << ", bytes " << action.bytes << (action.last ? ", last" : "") << ", framing "
       << static_cast<int>(action.framing) << ", length "
       << (action.length ? std::to_string(*action.length) : "none") << ", status " << action.status << ", "
       << action.why << "}";
}

using Kind = CourierAction::Kind;
using Program = CourierView::Program;
using Stage = CourierNotes::Stage;

inline constexpr sys::Nanos kNow = 1000 * sys::kSecond;
inline constexpr std::size_t kHead = 100;

inline CourierView Seen(std::size_t available, CourierView view = {}) {
  view.now = kNow;
  view.quiet_since = view.quiet_since == 0 ? kNow : view.quiet_since;
  view.available = available;
  return view;
}

/// The program's head is there, since just now, and `body` bytes after it.
inline CourierView WithHead(std::size_t body, std::optional<std::uint64_t> promised = {}) {
  CourierView view = Seen(kHead + body);
  view.head = {.state = HeadSeen::State::kWhole, .size = kHead, .content_length = promised};
  view.head_at = kNow;
  return view;
}

/// `sent` bytes of the body are sent and `available` are at hand.
inline CourierView Answering(Framing framing, std::uint64_t length, std::uint64_t sent,
                             std::size_t available) {
  CourierView view = Seen(available);
  view.notes.stage = Stage::kAnswering;
  view.notes.framing = framing;
  view.notes.body_length = length;
  view.notes.answer_begin = 1000;
  view.notes.cgi_head = kHead;
  view.notes.http_head = 200;
  view.notes.head_taken = '\n';
  view.sent = 1200 + sent;
  return view;
}

template <typename F>
CourierView But(CourierView view, F&& change) {
  change(view);
  return view;
}

inline CourierView HungUp(CourierView view, Program program = Program::kEnded) {
  view.hung_up = true;
  view.program = program;
  return view;
}

/// The program is gone since `quiet`, and a child of it holds the output.
inline CourierView Held(CourierView view, sys::Nanos quiet, Program program = Program::kEnded) {
  view.program = program;
  view.quiet_since = kNow - quiet;
  return view;
}

inline CourierView ClosedBefore(CourierView view) {
  view.notes.output_closed = true;
  return view;
}

inline CourierView OldClient(CourierView view) {
  view.notes.may_chunk = false;
  return view;
}

inline CourierView HeadRequest(CourierView view) {
  view.notes.head_request = true;
  return view;
}

inline CourierView HeldBack(CourierView view) {
  view.head_at = kNow - kHoldBack;
  return view;
}

/// `left` bytes of a body of 5000 after a head of 300 are not consumed yet.
inline CourierView Feeding(CourierView view, std::uint64_t left, bool pending = true) {
  view.notes.feeds = true;
  view.notes.request_begin = 50;
  view.notes.request_head = 300;
  view.notes.request_total = 5300;
  view.consumed = 50 + 5300 - left;
  view.input_open = true;
  view.feeding = pending;
  return view;
}

/// Coded in chunks: `framing` bytes of them come first, then `data`; before its answer begins `data` is all.
inline CourierView Coded(CourierView view, CodingSeen::State state, std::uint64_t data,
                         std::uint64_t framing = 0) {
  view.notes.coded = view.notes.stage == Stage::kAnswering;
  view.coding = {.state = state, .framing = framing, .data = data};
  return view;
}
inline constexpr auto kGoesOn = CodingSeen::State::kGoesOn;
inline constexpr auto kDone = CodingSeen::State::kDone;
inline constexpr auto kBad = CodingSeen::State::kBad;

inline CourierAction Wait(sys::Nanos look_again = 0) {
  return {.kind = Kind::kWait, .look_again = look_again};
}
inline CourierAction Refuse(int status, std::string_view why) {
  return {.kind = Kind::kRefuse, .status = status, .why = why};
}
inline CourierAction Whole(std::uint64_t length) {
  return {.kind = Kind::kAnswerWhole, .framing = Framing::kLength, .length = length};
}
inline CourierAction Bodyless(std::optional<std::uint64_t> length = {}) {
  return {.kind = Kind::kAnswerWhole, .framing = Framing::kNone, .length = length};
}
inline CourierAction Begin(Framing framing, std::optional<std::uint64_t> length = {}) {
  return {.kind = Kind::kBegin, .framing = framing, .length = length};
}
inline CourierAction Body(std::uint64_t bytes, bool last = false) {
  return {.kind = Kind::kSendBody, .bytes = bytes, .last = last};
}
inline CourierAction Head(bool last = false) { return {.kind = Kind::kSendHead, .last = last}; }
inline CourierAction Cut(std::string_view why) { return {.kind = Kind::kCut, .why = why}; }
inline const CourierAction kCrashedCut = Cut("crashed in the middle of its answer");
inline const CourierAction kEndedCut = Cut("ended in the middle of its answer");
inline const CourierAction kPause{.kind = Kind::kPauseFeed};

inline const CourierView kMalformed =
    But(Seen(50), [](auto& view) { view.head = {.state = HeadSeen::State::kMalformed, .why = "bad"}; });
inline const CourierView kNotModified = But(WithHead(0), [](auto& view) { view.head.bodyless = true; });

inline const CourierView kRedirect = But(WithHead(0), [](auto& view) { view.head.redirects = true; });
inline const CourierView kRaw = But(WithHead(50), [](auto& view) {
  view.notes.raw = true;
  view.head.size = 0;
});

}  // namespace hydrapool::cgi
