#include "pool/simulation/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hydrapool::simulation {
namespace {

std::size_t SomeSize(Random& random) {
  constexpr std::size_t kSizes[]{1, 3, 20, 200, 2'000, 20'000};
  return kSizes[random.Below(std::size(kSizes))];
}

}  // namespace

Client::Client(World& world, std::shared_ptr<TcpConnection> connection, std::unique_ptr<Oracle> oracle)
    : world_(world),
      connection_(std::move(connection)),
      oracle_(std::move(oracle)),
      to_send_(oracle_->Requests()),
      at_once_(SomeSize(world.random)),
      reads_(SomeSize(world.random)) {
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

void Client::Note(const char* what, std::size_t count) {
  world_.trace.Add(world_.steps, connection_->port(), what, static_cast<std::int64_t>(count), 0);
}

void Client::Act() {
  Random& random = world_.random;
  if (random.OneIn(pause_)) {
    pauses_until_ = world_.now + static_cast<Nanos>(random.Below(50 * sys::kMillisecond));
    return;
  }
  if (random.OneIn(reset_)) {
    Note("client resets");
    connection_->ClientReset();
    done_ = true;
    return;
  }
  const bool nothing_came = connection_->client_inbox().empty();
  if (Sendable() > 0 && (nothing_came || random.OneIn(2))) return Send();
  if (!nothing_came) return Read();
  if (connection_->client_saw_reset()) return SeeEnd(Ending::kReset);
  if (connection_->client_saw_end())
    return SeeEnd(connection_->is_unix() ? Ending::kClosedOrCut : Ending::kClosed);
  finished_ = true;
  Note("client finishes");
  connection_->ClientFinish();
}

void Client::Send() {
  const std::size_t count = world_.random.Some(Sendable());
  Note("client sends", count);
  connection_->ClientSend(std::string_view(to_send_).substr(sent_, count));
  sent_ += count;
}

void Client::Read() {
  std::string& inbox = connection_->client_inbox();
  const std::size_t count = world_.random.Some(std::min(reads_, inbox.size()));
  Note("client reads", count);
  const std::string wrong = oracle_->Judge(std::string_view(inbox).substr(0, count), world_.deaths);
  inbox.erase(0, count);
  if (!wrong.empty()) return Wrong(wrong);
  if (oracle_->complete()) Finish();
}

void Client::SeeEnd(Ending ending) {
  const std::string wrong =
      oracle_->JudgeEnd(ending, world_.deaths, world_.draining && connection_->lost_by_reset() == 0);
  if (!wrong.empty()) return Wrong(wrong);
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
  return fmt::format("{}, {} of {} bytes sent", oracle_->Describe(), sent_, to_send_.size());
}

}  // namespace hydrapool::simulation
