#include "pool/simulation/handler.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "pool/simulation/heap.h"

namespace hydrapool::simulation {
namespace {

using Kind = Request::Kind;

Reply ReplyTo(const Parsed& parsed) {
  return {.consume = parsed.size(),
          .bytes = parsed.request.Answer(),
          .keep_open = parsed.request.kind != Kind::kBye};
}

/// Answers in one piece, in a later round.
class Later final : public Execution {
 public:
  Later(Exchange& exchange, Parsed parsed) : exchange_(exchange), parsed_(parsed) {
    timer_ = exchange_.At(Now() + kMillisecond, [this] { exchange_.Answer(ReplyTo(parsed_)); });
  }
  void OnStepDone() override {}
  void OnDeadline() override {}

 private:
  Exchange& exchange_;
  const Parsed parsed_;
  EventLoop::Timer timer_;
};

/// Answers in three steps.
class Pieces final : public Execution {
 public:
  Pieces(Exchange& exchange, Parsed parsed) : exchange_(exchange), parsed_(parsed) {
    timer_ = exchange_.At(0, [this] { SendOn(); });
  }
  void OnStepDone() override { SendOn(); }
  void OnDeadline() override {}

 private:
  void SendOn() {
    const std::string answer = parsed_.request.Answer();
    while (sent_ < 3) {
      const std::size_t from = answer.size() * sent_ / 3;
      const std::size_t size = answer.size() * (sent_ + 1) / 3 - from;
      std::memcpy(exchange_.buffer().data(), answer.data() + from, size);
      const bool last = ++sent_ == 3;
      const auto progress =
          exchange_.Send({.prefix = static_cast<std::uint32_t>(size),
                          .consume = last ? static_cast<std::uint32_t>(parsed_.size()) : 0,
                          .then = last ? Transmission::Then::kDone : Transmission::Then::kMore});
      if (progress != Exchange::Progress::kComplete) return;
    }
  }
  Exchange& exchange_;
  const Parsed parsed_;
  std::size_t sent_ = 0;
  EventLoop::Timer timer_;
};

/// Runs once, and takes its request away piece by piece.
class Once final : public Execution {
 public:
  Once(Exchange& exchange, Parsed parsed) : exchange_(exchange), parsed_(parsed), left_(parsed.size()) {
    exchange_.BeginOnce();
    {
      const Heap::Outside outside;
      ++Handler::ledger->runs[parsed_.request.id];
    }
    timer_ = exchange_.At(0, [this] { Take(); });
  }
  void OnStepDone() override {}
  void OnReadable() override { Take(); }
  void OnDeadline() override {}

 private:
  void Take() {
    if (answered_) return;
    std::vector<char> piece(1024);
    while (left_ > 0) {
      const auto seen = exchange_.Peek(piece);
      if (!seen) return;
      if (*seen == 0) return exchange_.Abort();
      const auto taken = std::min(*seen, left_);
      exchange_.Consume(static_cast<std::uint32_t>(taken));
      left_ -= taken;
    }
    answered_ = true;
    exchange_.Answer({.consume = 0, .bytes = parsed_.request.Answer()});
  }
  Exchange& exchange_;
  const Parsed parsed_;
  std::size_t left_;
  bool answered_ = false;
  EventLoop::Timer timer_;
};

}  // namespace

Ledger* Handler::ledger = nullptr;

std::string Handler::AbandonedReply(Excuse excuse) {
  return "excuse " + std::to_string(static_cast<int>(excuse)) + "\n";
}

Decision Handler::OnInput(Connection& connection, std::string_view input) {
  const auto parsed = ParseRequest(input);
  if (!parsed) return NeedMore{};
  const Kind kind = parsed->request.kind;
  if (kind == Kind::kOnce) return Start{};
  if (kind == Kind::kInterim) {
    auto& told = connection.connection_notes<std::uint32_t>();
    if (std::exchange(told, parsed->request.id) != parsed->request.id)
      return Reply{.consume = 0, .bytes = parsed->request.Interim(), .interim = true};
  }
  if (input.size() < parsed->size()) return NeedMore{};
  if (kind == Kind::kBegin || kind == Kind::kLater || kind == Kind::kPieces) return Start{};
  return ReplyTo(*parsed);
}

Begun Handler::Begin(Exchange& exchange, std::string_view input) {
  const Parsed parsed = *ParseRequest(input);
  if (parsed.request.kind == Kind::kLater) return std::make_unique<Later>(exchange, parsed);
  if (parsed.request.kind == Kind::kPieces) return std::make_unique<Pieces>(exchange, parsed);
  if (parsed.request.kind == Kind::kOnce) return std::make_unique<Once>(exchange, parsed);
  return ReplyTo(parsed);
}

}  // namespace hydrapool::simulation
