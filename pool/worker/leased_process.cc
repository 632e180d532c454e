#include "pool/worker/leased_process.h"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "pool/shared/lease_table.h"
#include "pool/sys/failpoint.h"
#include "pool/worker/leased_connection.h"

namespace hydrapool {

using Activity = LeasedConnection::Activity;
using Progress = Exchange::Progress;

// Two that claim in the same moment see each other once both have noted whom they are for: one of them at
// least gives back what its party may not have. So does who claims beside the process before it and finds
// that gone.
bool LeasedTurn::Claim(const PlaceRules& rules) {
  place_ = places().Claim(claimant(), rules.limit + (places().NumberOf(rules.before) ? 1 : 0));
  HYDRAPOOL_FAILPOINT("worker.place_claimed");
  if (place_ == nullptr) return false;
  places().Note(*place_, sys::Now(), connection_.hand().part, rules.party);
  PlaceRules with_itself = rules;
  ++with_itself.most_of_group;
  ++with_itself.most_of_client;
  if (places().taken(rules.before) <= rules.limit && Reaches(with_itself) == PartyLimit::kNone) return true;
  LeavePlace();
  return false;
}

PartyLimit LeasedTurn::Reaches(const PlaceRules& rules) const {
  return rules.apart() ? Reached(rules, places().Parties(rules.before)) : PartyLimit::kNone;
}

bool LeasedTurn::Join(std::size_t most, const PlaceRules& rules) {
  const bool joined = line().Join(slot(), most, sys::Now(), rules);
  HYDRAPOOL_FAILPOINT("worker.in_line");
  return joined;
}

std::size_t LeasedTurn::TurnsBefore(const PlaceRules& rules) const {
  line().StepBack(slot());  // the watchdog may have taken this worker for one that does not come round
  return line().TurnsBefore(slot(), rules, places());
}

std::uint32_t LeasedTurn::slot() const { return connection_.hand().slot; }
const ProcessLine& LeasedTurn::line() const { return connection_.desk().leases.line(); }
const ProcessPlaces& LeasedTurn::places() const { return connection_.desk().leases.places(); }
bool LeasedTurn::client_finished() const { return connection_.hand().peer_finished; }
std::uint32_t LeasedTurn::claimant() const {
  return ProcessPlaces::Claimant(slot(), connection_.hand().generation);
}

void LeasedTurn::LeavePlace() { ProcessPlaces::GiveBack(*std::exchange(place_, nullptr), claimant()); }

void LeasedTurn::GiveUp() {
  if (place_ != nullptr) LeavePlace();
  line().Leave(slot());
}

LeaseDetail& LeasedProcess::detail() const { return connection_.hand().detail; }

std::uint32_t LeasedProcess::lease() const { return connection_.hand().slot; }
const BodyBudget& LeasedProcess::bodies() const { return connection_.desk().leases.bodies(); }

void LeasedProcess::Prepare() {
  detail().process.store(ProcessWord{ProcessWord::State::kPreparing, ::getpid()}.Pack(),
                         std::memory_order_release);
  HYDRAPOOL_FAILPOINT("worker.prepared");
}

bool LeasedProcess::Tell(std::uint8_t which) {
  ToParent message{.slot = connection_.hand().slot,
                   .generation = connection_.hand().generation,
                   .kind = ToParent::Kind::kOffer};
  std::array<int, kProcessEnds> descriptors;
  std::size_t count = 0;
  for (std::size_t i = 0; i < kProcessEnds; ++i) {
    if ((which & 1u << i) == 0 || !ends_[i]) continue;
    message.process_ends |= static_cast<std::uint8_t>(1u << i);
    descriptors[count++] = ends_[i].get();
  }
  return connection_.desk().link.Tell(message, std::span(descriptors).first(count));
}

bool LeasedProcess::Offer(sys::UniqueFd output, sys::UniqueFd input, sys::UniqueFd errors) {
  ends_[0] = std::move(output);
  ends_[1] = std::move(input);
  ends_[2] = std::move(errors);
  const bool told = Tell(0b111);
  offered_ = offered_ || told;
  HYDRAPOOL_FAILPOINT("worker.offered");
  return told;
}

bool LeasedProcess::HoldBody(sys::UniqueFd file) {
  sys::UniqueFd& place = ends_[static_cast<std::size_t>(ProcessEnd::kBody)];
  const sys::UniqueFd before = std::exchange(place, std::move(file));
  if (!Tell(1u << static_cast<unsigned>(ProcessEnd::kBody))) return false;
  offered_ = true;
  HYDRAPOOL_FAILPOINT("worker.body_held");
  SetResumable();
  if (before) [[maybe_unused]]
    const int ignored = ::ftruncate(before.get(), 0);
  return true;
}

bool PassGate(LeaseDetail& detail, pid_t preparer, pid_t self) {
  std::uint64_t expected = ProcessWord{ProcessWord::State::kPreparing, preparer}.Pack();
  HYDRAPOOL_STORE_POINT("process.passes", &detail.process);
  const std::uint64_t running = ProcessWord{ProcessWord::State::kRunning, self}.Pack();
  if (!detail.process.compare_exchange_strong(expected, running)) return false;
  detail.last_process.store(self);
  return true;
}

void ExecFailed(LeaseDetail& detail, int error) {
  std::uint64_t running = ProcessWord{ProcessWord::State::kRunning, ::getpid()}.Pack();
  detail.process.compare_exchange_strong(running, ProcessWord{ProcessWord::State::kFailed, error}.Pack());
}

void LeasedProcess::TimeOut() {
  if (const ProcessWord word = state(); word.state == ProcessWord::State::kRunning)
    connection_.desk().leases.places().NoteTimeout(word.value);
  Terminate();
}

void LeasedProcess::CloseEnd(ProcessEnd which) {
  const auto index = static_cast<std::size_t>(which);
  if (!ends_[index]) return;
  if (which == ProcessEnd::kInput) input_watch_.Reset();
  ends_[index].Reset();
  if (!offered_) return;
  connection_.desk().link.Tell({.slot = connection_.hand().slot,
                                .generation = connection_.hand().generation,
                                .kind = ToParent::Kind::kCloseEnd,
                                .process_ends = static_cast<std::uint8_t>(1u << index)});
}

Progress LeasedProcess::Feed(std::uint32_t discard, std::uint32_t feed) {
  if (connection_.activity() == Activity::kGone) return Progress::kGone;
  connection_.hand().machine.BeginFeeding(
      {.consume = discard + feed, .splice_at = discard, .end = {.next = Phase::kExecuting}});
  return connection_.CarryOnFeeding();
}

std::uint32_t LeasedProcess::PauseFeed() {
  connection_.SetActivity(Activity::kExecuting);
  return connection_.hand().machine.StopFeeding();
}

bool LeasedProcess::feeding() const { return connection_.activity() == Activity::kFeeding; }

void LeasedProcess::TakeOver(std::array<sys::UniqueFd, kProcessEnds> ends) {
  ends_ = std::move(ends);
  offered_ = state().answers() || detail().resumable.load();
}

void LeasedProcess::WatchInput() {
  if (input_watch_ || end(ProcessEnd::kInput) < 0) return;
  input_watch_ = connection_.desk().loop.Add(end(ProcessEnd::kInput), EPOLLOUT | EPOLLET,
                                             [this](std::uint32_t) { connection_.OnEvents(0); });
}

void LeasedProcess::LetGo() {
  input_watch_.Reset();
  for (sys::UniqueFd& each : ends_) each.Reset();
  std::uint64_t word = detail().process.load();
  ProcessWord left = ProcessWord::Unpack(word);
  while (left.state == ProcessWord::State::kRunning) {
    const ProcessWord next{ProcessWord::State::kLeft, left.value};
    if (detail().process.compare_exchange_weak(word, next.Pack())) break;
    left = ProcessWord::Unpack(word);
  }
  const bool running = left.state == ProcessWord::State::kRunning;
  HYDRAPOOL_FAILPOINT("worker.process_left");
  if (std::exchange(offered_, false)) {
    const bool terminate = detail().terminate.load() && running;
    connection_.desk().link.Tell({.slot = connection_.hand().slot,
                                  .generation = connection_.hand().generation,
                                  .kind = terminate ? ToParent::Kind::kTerminate : ToParent::Kind::kLetGo,
                                  .pid = running ? left.value : 0});
  }
  detail().process.store(0);
  detail().terminate.store(false);
}

// A body that is still here is no program's: its memory is given back with its place.
void LeasedProcess::Drop(bool parent_frees_lease) {
  input_watch_.Reset();
  const bool is_sites = connection_.hand().machine.done().from_file;
  if (const int body = end(ProcessEnd::kBody); body >= 0 && !is_sites) {
    [[maybe_unused]] const int ignored = ::ftruncate(body, 0);
  }
  for (sys::UniqueFd& each : ends_) each.Reset();
  if (parent_frees_lease) return;
  LetGo();
  if (detail().resumable.exchange(false)) bodies().End(lease());
}

}  // namespace hydrapool
