#include "pool/parent/worker_handle.h"

#include <array>
#include <cstring>
#include <utility>

namespace hydrapool {

WorkerHandle::WorkerHandle(std::uint32_t number, WorkerLife& life, std::size_t leases)
    : number_(number), life_(life), ring_(leases) {}

void WorkerHandle::Start(sys::EventLoop& loop, std::uint32_t slot, Job job) {
  life_.Begin(slot, sys::Now());
  try {
    auto [ours, theirs] = sys::MakeChannel();
    child_ = sys::Child::Fork([&work = job.work, &channel = theirs] { return work(std::move(channel)); });
    channel_ = std::move(ours);
    channel_watch_ =
        loop.Add(channel_.fd(), EPOLLIN, [call = std::move(job.on_message)](std::uint32_t) { call(); });
    death_watch_ =
        loop.Add(child_.pidfd(), EPOLLIN, [call = std::move(job.on_death)](std::uint32_t) { call(); });
  } catch (const std::system_error&) {
    Close();
    throw;
  }
  life_.pid = child_.pid();
  Step(WorkerEvent::kForked);
}

std::optional<WorkerEvent> WorkerHandle::News() const {
  if (!child_) return std::nullopt;
  return NextEvent(life_.stage, life_.state.load(), life_.first_reply_at.load() != 0);
}

WorkerAction WorkerHandle::Step(WorkerEvent event) {
  const StageStep step = Advance(life_.stage, event);
  life_.stage = step.next;
  return step.action;
}

std::optional<sys::ExitStatus> WorkerHandle::Reap() {
  death_watch_.Reset();
  return child_.TryReap();
}

void WorkerHandle::Close() {
  death_watch_.Reset();
  channel_watch_.Reset();
  channel_.Close();
  batch_.clear();
  child_ = sys::Child();
  life_.state = WorkerState::kDead;
  life_.stage = WorkerStage::kNone;
  life_.busy = 0;
  life_.pid = 0;
}

bool WorkerHandle::Put(const ToWorker& message) {
  batch_.push_back(message);
  ++life_.told;
  return batch_.size() >= kMaxBatch;
}

void WorkerHandle::Withdraw(const std::function<bool(const ToWorker&)>& stale) {
  life_.told -= std::erase_if(batch_, stale);
}

sys::Channel::SendStatus WorkerHandle::Send(std::span<const int> descriptors, std::vector<ToWorker>& sent) {
  const auto status = channel_.Send(std::as_bytes(std::span(batch_)), descriptors);
  if (status == sys::Channel::SendStatus::kFull) life_.told -= batch_.size();
  sent = std::exchange(batch_, {});
  return status;
}

std::optional<WorkerHandle::Said> WorkerHandle::Receive() {
  alignas(ToParent) std::array<std::byte, sys::Channel::kMaxPacket> buffer;
  if (!channel_) return std::nullopt;
  auto packet = channel_.Receive(buffer);
  if (!packet) return std::nullopt;
  if (packet->bytes.size() < sizeof(ToParent)) {  // its end is closed: the pidfd will tell
    channel_watch_.Reset();
    return std::nullopt;
  }
  Said said{.message = {}, .descriptors = std::move(packet->descriptors)};
  std::memcpy(&said.message, packet->bytes.data(), sizeof said.message);
  return said;
}

}  // namespace hydrapool
