#include "pool/simulation/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pool/shared/lease_table.h"
#include "pool/shared/rescue.h"
#include "pool/simulation/handler.h"

namespace hydrapool::simulation {
namespace {

using Kind = Request::Kind;

std::size_t SomeSize(Random& random) {
  constexpr std::size_t kSizes[]{1, 3, 20, 200, 2'000, 20'000};
  return kSizes[random.Below(std::size(kSizes))];
}

}  // namespace

Client::Client(World& world, std::shared_ptr<TcpConnection> connection, std::vector<Request> requests)
    : world_(world),
      connection_(std::move(connection)),
      at_once_(SomeSize(world.random)),
      reads_(SomeSize(world.random)) {
  expected_.push_back({{}, std::string(kGreeting), {}});
  for (const Request& request : requests) {
    to_send_ += request.Bytes();
    expected_.push_back({request, request.Answer(), request.Interim(), request.kind == Kind::kOnce,
                         request.kind == Kind::kPieces || request.size > LeaseTable::kSlab - 64});
  }
  Random& random = world.random;
  if (random.OneIn(2)) pause_ = random.Between(2, 50);
  if (random.OneIn(12)) reset_ = random.Between(5, 400);
  finishes_early_ = random.OneIn(4);
}

std::size_t Client::Sendable() const {
  return std::min({at_once_, to_send_.size() - sent_, connection_->ClientRoom()});
}

bool Client::CanAct() const {
  if (done_ || pauses_until_ > world_.now) return false;
  if (Sendable() > 0 || !connection_->client_inbox().empty()) return true;
  if (connection_->client_saw_reset() || connection_->client_saw_end()) return true;
  return finishes_early_ && !finished_ && sent_ == to_send_.size();
}

void Client::Act() {
  Random& random = world_.random;
  if (random.OneIn(pause_)) {
    pauses_until_ = world_.now + static_cast<Nanos>(random.Below(50 * sys::kMillisecond));
    return;
  }
  if (random.OneIn(reset_)) {
    world_.trace.Add(world_.steps, connection_->port(), "client resets", 0, 0);
    connection_->ClientReset();
    done_ = true;
    return;
  }
  const bool can_send = Sendable() > 0;
  if (can_send && (connection_->client_inbox().empty() || random.OneIn(2))) return Send();
  if (!connection_->client_inbox().empty()) return Read();
  if (connection_->client_saw_reset()) return JudgeEnd(true);
  if (connection_->client_saw_end()) return JudgeEnd(false);
  finished_ = true;
  world_.trace.Add(world_.steps, connection_->port(), "client finishes", 0, 0);
  connection_->ClientFinish();
}

void Client::Send() {
  const std::size_t count = world_.random.Some(Sendable());
  world_.trace.Add(world_.steps, connection_->port(), "client sends", static_cast<std::int64_t>(count), 0);
  connection_->ClientSend(std::string_view(to_send_).substr(sent_, count));
  sent_ += count;
}

void Client::Read() {
  std::string& inbox = connection_->client_inbox();
  const std::size_t count = world_.random.Some(std::min(reads_, inbox.size()));
  world_.trace.Add(world_.steps, connection_->port(), "client reads", static_cast<std::int64_t>(count), 0);
  Judge(std::string_view(inbox).substr(0, count));
  inbox.erase(0, count);
  if (next_ == expected_.size() && !done_) Finish();
}

void Client::Judge(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!aside_.empty()) {
      const std::size_t count = std::min(aside_.size(), bytes.size());
      if (bytes.substr(0, count) != aside_.substr(0, count)) return Wrong("what is no answer is not whole");
      aside_.erase(0, count);
      bytes.remove_prefix(count);
      continue;
    }
    if (excused_ || next_ == expected_.size()) return Wrong("more bytes than it asked for");
    const Expected& expected = expected_[next_];
    const std::string excuse = offset_ == 0 ? ExcuseFor(expected, bytes[0]) : std::string();
    if (!excuse.empty()) {
      aside_ = excuse;
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
      return Wrong(fmt::format("it got '{}' where '{}' is right", bytes.substr(0, 60), right.substr(0, 60)));
    offset_ += count;
    bytes.remove_prefix(count);
    if (offset_ < expected.bytes.size()) continue;
    offset_ = 0;
    ++next_;
  }
}

// What may come in place of an answer and begins like that; empty: nothing may.
std::string Client::ExcuseFor(const Expected& expected, char begin) const {
  const std::string abandoned = Handler::AbandonedReply(Excuse::kAbandoned);
  if (begin != abandoned[0] || world_.deaths == 0 || next_ == 0) return {};
  if (expected.may_be_abandoned) return abandoned;
  return world_.deaths > kRescuesToPoison ? Handler::AbandonedReply(Excuse::kPoison) : std::string();
}

void Client::JudgeEnd(bool reset) {
  // A reset takes answers with it that are whole and still on their way.
  const bool may_be_cut =
      world_.deaths > 0 && std::any_of(expected_.begin() + static_cast<std::ptrdiff_t>(next_),
                                       expected_.end(), [](const Expected& each) { return each.may_be_cut; });
  const bool right = (excused_ && aside_.empty()) || (reset && may_be_cut);
  if (!right && next_ < expected_.size())
    return Wrong(reset ? "its connection was reset" : "its connection has ended");
  Finish();
}

void Client::Finish() {
  done_ = true;
  connection_->ClientClose();
}

void Client::Hurry() {
  pause_ = reset_ = 0;
  pauses_until_ = 0;
  at_once_ = reads_ = 65'536;
}

void Client::Wrong(const std::string& what) {
  done_ = true;
  world_.Fail(fmt::format("client {}: {} ({})", connection_->port(), what, Describe()));
}

std::string Client::Describe() const {
  const Request next = next_ < expected_.size() ? expected_[next_].request : Request{};
  return fmt::format("{} of {} answers and {} bytes of '{} {} {} {}', {} of {} bytes sent", next_,
                     expected_.size(), offset_, static_cast<char>(next.kind), next.id, next.size, next.body,
                     sent_, to_send_.size());
}

}  // namespace hydrapool::simulation
