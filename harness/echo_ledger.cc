#include "harness/echo_ledger.h"

#include <algorithm>

namespace harness {

std::uint64_t EchoLedger::Send(Line& line, sys::Nanos now) {
  const std::uint64_t id = answered_.size();
  answered_.push_back(false);
  line.push_back({.id = id, .sent = now});
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
    if (id) SkipTo(line, *id);
  }
  answered_[line.front().id] = true;
  line.pop_front();
}

void EchoLedger::TakeRefusal(Line& line) {
  if (line.empty()) {
    ++counts_.extra;
    return;
  }
  ++counts_.refused_status;
  answered_[line.front().id] = true;
  line.pop_front();
}

void EchoLedger::Lose(Line& line, Loss how) {
  const auto many = static_cast<std::uint64_t>(line.size());
  switch (how) {
    case Loss::kReset:
      counts_.reset += many;
      break;
    case Loss::kEof:
      counts_.eof += many;
      break;
    case Loss::kUnanswered:
      counts_.unanswered += many;
      break;
  }
  line.clear();
}

void EchoLedger::SkipTo(Line& line, std::uint64_t id) {
  const auto found = std::ranges::find(line, id, &Request::id);
  if (found == line.end()) return;
  counts_.unanswered += static_cast<std::uint64_t>(found - line.begin());
  line.erase(line.begin(), found);
}

}  // namespace harness
