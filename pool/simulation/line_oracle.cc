#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pool/shared/lease_table.h"
#include "pool/shared/rescue.h"
#include "pool/simulation/handler.h"
#include "pool/simulation/oracle.h"

namespace hydrapool::simulation {
namespace {

using Kind = Request::Kind;

struct Expected {
  Request request;
  std::string bytes;
  std::string interim;  // may come before them, as often as it likes
  bool may_be_abandoned = false;
  bool may_be_cut = false;
};

class LineOracle final : public Oracle {
 public:
  explicit LineOracle(const std::vector<Request>& requests) {
    expected_.push_back({{}, std::string(kGreeting), {}});
    for (const Request& request : requests) {
      requests_ += request.Bytes();
      expected_.push_back({request, request.Answer(), request.Interim(), request.kind == Kind::kOnce,
                           request.kind == Kind::kPieces || request.size > kSlab - 64});
    }
  }

  [[nodiscard]] std::string Requests() const override { return requests_; }
  std::string Judge(std::string_view bytes, std::uint64_t deaths) override;
  [[nodiscard]] std::string JudgeEnd(Ending ending, std::uint64_t deaths, bool draining) const override;
  [[nodiscard]] bool complete() const override { return next_ == expected_.size(); }
  [[nodiscard]] std::size_t answered() const override { return next_; }
  [[nodiscard]] std::string Describe() const override;

 private:
  [[nodiscard]] std::string ExcuseFor(const Expected& expected, char begin, std::uint64_t deaths) const;

  std::string requests_;
  std::vector<Expected> expected_;
  std::size_t next_ = 0;    // of expected_
  std::size_t offset_ = 0;  // within it
  std::string aside_;       // what is left of an excuse or of an interim that is coming
  bool excused_ = false;
};

std::string LineOracle::Judge(std::string_view bytes, std::uint64_t deaths) {
  while (!bytes.empty()) {
    if (!aside_.empty()) {
      const std::size_t count = std::min(aside_.size(), bytes.size());
      if (bytes.substr(0, count) != aside_.substr(0, count)) return "what is no answer is not whole";
      aside_.erase(0, count);
      bytes.remove_prefix(count);
      continue;
    }
    if (excused_ || complete()) return "more bytes than it asked for";
    const Expected& expected = expected_[next_];
    if (std::string excuse = ExcuseFor(expected, bytes[0], deaths); !excuse.empty()) {
      aside_ = std::move(excuse);
      excused_ = true;
      continue;
    }
    if (offset_ == 0 && !expected.interim.empty() && bytes[0] == expected.interim[0]) {
      aside_ = expected.interim;
      continue;
    }
    const std::size_t count = std::min(expected.bytes.size() - offset_, bytes.size());
    const std::string_view right = std::string_view(expected.bytes).substr(offset_, count);
    if (bytes.substr(0, count) != right)
      return fmt::format("it got '{}' where '{}' is right", bytes.substr(0, 60), right.substr(0, 60));
    offset_ += count;
    bytes.remove_prefix(count);
    if (offset_ < expected.bytes.size()) continue;
    offset_ = 0;
    ++next_;
  }
  return "";
}

// What may come in place of an answer and begins like that; empty: nothing may.
std::string LineOracle::ExcuseFor(const Expected& expected, char begin, std::uint64_t deaths) const {
  const std::string abandoned = Handler::AbandonedReply(Excuse::kAbandoned);
  if (offset_ != 0 || begin != abandoned[0] || deaths == 0 || next_ == 0) return {};
  if (expected.may_be_abandoned) return abandoned;
  return deaths > kRescuesToPoison ? Handler::AbandonedReply(Excuse::kPoison) : std::string();
}

std::string LineOracle::JudgeEnd(Ending ending, std::uint64_t deaths, bool draining) const {
  if (draining && offset_ == 0 && aside_.empty()) return "";
  if (complete() || (excused_ && aside_.empty())) return "";
  // A reset takes answers with it that are whole and still on their way.
  const bool reset = ending == Ending::kReset;
  const auto first = expected_.begin() + static_cast<std::ptrdiff_t>(next_);
  const auto last = reset ? expected_.end() : first + 1;
  const bool may_be_cut =
      deaths > 0 && std::any_of(first, last, [](const Expected& each) { return each.may_be_cut; });
  if (ending != Ending::kClosed && may_be_cut) return "";
  return reset ? "its connection was reset" : "its connection has ended";
}

std::string LineOracle::Describe() const {
  const Request next = complete() ? Request{} : expected_[next_].request;
  return fmt::format("{} of {} answers and {} bytes of '{} {} {} {}'", next_, expected_.size(), offset_,
                     static_cast<char>(next.kind), next.id, next.size, next.body);
}

}  // namespace

std::unique_ptr<Oracle> MakeLineOracle(const std::vector<Request>& requests) {
  return std::make_unique<LineOracle>(requests);
}

}  // namespace hydrapool::simulation
