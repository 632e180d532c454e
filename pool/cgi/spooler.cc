#include "pool/cgi/spooler.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <variant>

#include "pool/cgi/body_file.h"
#include "pool/cgi/courier_plan.h"
#include "pool/http/response_writer.h"
#include "pool/shared/body_budget.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"
#include "pool/worker/worker_desk.h"

namespace hydrapool::cgi {

using Progress = Exchange::Progress;
using State = http::ChunkedDecoder::State;

Spooler::Spooler(Exchange& exchange, BodyTaker& taker, Plan plan)
    : exchange_(exchange),
      process_(exchange.process()),
      taker_(taker),
      plan_(std::move(plan)),
      buffer_(32 * 1024) {}

void Spooler::Start() {
  turn_ = exchange_.At(0, [this] { OnStepDone(); });
}

SpoolNote& Spooler::Present() const {
  const bool second = notes().spool[1].at == exchange_.total_consumed();
  return notes().spool[second ? 1 : 0];
}

void Spooler::OnStepDone() {
  if (over_) return;
  if (notes().wants_continue && exchange_.total_sent() == notes().sent_begin) {
    std::memcpy(exchange_.buffer().data(), http::kContinue.data(), http::kContinue.size());
    const auto size = static_cast<std::uint32_t>(http::kContinue.size());
    if (exchange_.Send({.prefix = size, .then = Transmission::Then::kMore, .interim = true}) !=
        Progress::kComplete)
      return;
  }
  if (!std::exchange(begun_, true)) {
    exchange_.BeginOnce();
    if (exchange_.total_consumed() == notes().request_begin) exchange_.Consume(notes().request_head);
  }
  Read();
}

void Spooler::OnReadable() {
  if (begun_ && !over_) Read();
}

void Spooler::OnDeadline() {
  if (over_) return;
  const std::uint64_t moved = exchange_.total_sent() + exchange_.total_consumed();
  const std::uint64_t came = moved - notes().timed_at;
  if (came <= TooFew(notes().patience, plan_.least_rate))
    return Refuse(408, "the request's body did not come in time");
  exchange_.SetDeadline(sys::Now() + notes().patience);
  notes().timed_at = moved;
}

void Spooler::Read() {
  const std::uint64_t before = exchange_.total_consumed();
  while (!over_) {
    if (exchange_.total_consumed() - before >= kTurn) {
      turn_ = exchange_.At(0, [this] { OnReadable(); });
      return;
    }
    const bool whole = !plan_.chunked && Present().at == notes().request_begin + notes().request_total;
    if (whole || Present().decoder.done()) return Finish();
    const auto seen = exchange_.Peek(buffer_);
    if (!seen) return;
    if (*seen == 0) {
      over_ = true;
      return exchange_.Abort();
    }
    Take({buffer_.data(), *seen});
  }
}

void Spooler::Take(std::string_view seen) {
  SpoolNote next = Present();
  std::string data;  // chunks may be of one byte: one write for all that was seen
  std::uint64_t consumed = 0;
  if (plan_.chunked) {
    data.reserve(seen.size());
    const auto progress = next.decoder.Feed(seen, data);
    if (progress.state == State::kBad) return Refuse(400, "the request's chunks are malformed");
    consumed = progress.consumed;
  } else {
    data = seen.substr(0, notes().request_begin + notes().request_total - next.at);
    consumed = data.size();
  }
  if (data.size() > plan_.most - next.size) return Refuse(413, "the request's body is too large");
  if (!Append(data, next.size)) return Refuse(503, "no room for the request's body");
  next.size += data.size();
  next.at += consumed;
  notes().spool[&Present() == &notes().spool[0] ? 1 : 0] = next;
  HYDRAPOOL_FAILPOINT("cgi.spooled");
  exchange_.Consume(static_cast<std::uint32_t>(consumed));
}

bool Spooler::Append(std::string_view data, std::uint64_t at) {
  if (at + data.size() > kMostInMemory && process_.bodies().InMemory(process_.lease()) && !MoveToDisk(at))
    return false;
  return WriteAt(process_.end(ProcessEnd::kBody), data, at);
}

bool Spooler::MoveToDisk(std::uint64_t size) {
  sys::UniqueFd disk = DiskFile(plan_.directory);
  if (!disk || !CopyBody(process_.end(ProcessEnd::kBody), disk.get(), size)) return false;
  if (!process_.HoldBody(std::move(disk))) return false;
  process_.bodies().LeaveMemory(process_.lease());
  return true;
}

void Spooler::Finish() {
  over_ = true;
  buffer_ = {};
  notes().request_total = exchange_.total_consumed() - notes().request_begin;
  HYDRAPOOL_FAILPOINT("cgi.body_whole");
  Begun begun = taker_.TakeBody(exchange_, plan_.head, Present().size);
  if (auto* reply = std::get_if<Reply>(&begun)) {
    exchange_.Answer(std::move(*reply));
  } else {
    exchange_.Become(std::move(std::get<std::unique_ptr<Execution>>(begun)));
  }
}

void Spooler::Refuse(int status, std::string_view why) {
  over_ = true;
  WorkerSlot& board = exchange_.connection().worker().internals.board;
  if (status == 408) board.Hit(Limit::kBodyRate);
  if (status == 413) board.Hit(Limit::kBodySize);
  sys::log::Warn("{}: {}: {}", plan_.name, status, why);
  exchange_.Answer({.bytes = http::ErrorResponse(status, false, notes().head_request, why, plan_.date,
                                                 notes().may_chunk ? 1 : 0, plan_.lines),
                    .keep_open = false,
                    .kind = static_cast<std::uint8_t>(status / 100)});
}

}  // namespace hydrapool::cgi
