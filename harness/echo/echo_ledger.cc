#include "harness/echo/echo_ledger.h"

#include <algorithm>

namespace hydrapool::harness {
namespace {

std::uint64_t& CountOf(UnkeptFailures& unkept, std::string_view what, bool cut) {
  if (cut) return unkept.cut;
  if (what == "status_5xx") return unkept.abandoned;
  return what == "status" ? unkept.refused : unkept.lost;
}

}  // namespace

std::uint64_t EchoLedger::Send(Line& line, sys::Nanos now, int port) {
  const std::uint64_t id = answered_.size();
  answered_.push_back(false);
  line.push_back({.id = id, .sent = now, .port = port});
  ++counts_.sent;
  return id;
}

void EchoLedger::TakeAnswer(Line& line, std::optional<std::uint64_t> id, sys::Nanos now) {
  if (id && *id > 0 && WasAnswered(*id)) {
    ++counts_.duplicate;
    return;
  }
  if (line.empty()) {
    ++counts_.extra;
    return;
  }
  if (id == line.front().id) {
    ++counts_.ok;
    counts_.worst_wait = std::max(counts_.worst_wait, now - line.front().sent);
  } else {
    ++counts_.wrong;
    if (id) SkipTo(line, *id, now);
  }
  answered_[line.front().id] = true;
  line.pop_front();
}

void EchoLedger::TakeRefusal(Line& line, sys::Nanos now, int status) {
  if (line.empty()) {
    ++counts_.extra;
    return;
  }
  ++counts_.refused_status;
  Note(line.front(), now, status >= 500 ? "status_5xx" : "status");
  answered_[line.front().id] = true;
  line.pop_front();
}

void EchoLedger::TakeConnectFailure(sys::Nanos now) {
  ++counts_.connect_failed;
  Note({.id = 0, .sent = now}, now, "connect");
}

void EchoLedger::GiveUp(Line& line) {
  counts_.given_up += line.size();
  line.clear();
}

void EchoLedger::Lose(Line& line, Loss how, sys::Nanos now, bool mid_answer) {
  const auto many = static_cast<std::uint64_t>(line.size());
  std::string_view what;
  switch (how) {
    case Loss::kReset:
      counts_.reset += many;
      what = "reset";
      break;
    case Loss::kEof:
      counts_.eof += many;
      what = "eof";
      break;
    case Loss::kUnanswered:
      counts_.unanswered += many;
      what = "unanswered";
      break;
  }
  for (const Request& request : line) {
    Note(request, now, what, mid_answer && &request == &line.front());
  }
  line.clear();
}

void EchoLedger::SkipTo(Line& line, std::uint64_t id, sys::Nanos now) {
  const auto found = std::ranges::find(line, id, &Request::id);
  if (found == line.end()) return;
  for (auto request = line.begin(); request != found; ++request) {
    ++counts_.unanswered;
    Note(*request, now, "unanswered");
  }
  line.erase(line.begin(), found);
}

void EchoLedger::Note(const Request& request, sys::Nanos now, std::string_view what, bool cut) {
  if (failures_.size() == kMostKept) {
    ++CountOf(unkept_, what, cut);
    return;
  }
  failures_.push_back({.sent = request.sent, .end = now, .what = what, .cut = cut, .port = request.port});
}

}  // namespace hydrapool::harness
