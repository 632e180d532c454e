#include "pool/parent/worker_handle.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <system_error>
#include <utility>

#include "pool/sys/failpoint.h"

namespace hydrapool {

WorkerHandle::WorkerHandle(std::uint32_t number, WorkerLife& life, std::size_t leases)
    : number_(number), life_(life), line_(life, leases) {}

void WorkerHandle::Start(sys::EventLoop& loop, std::uint32_t slot, Job job) {
  life_.Begin(slot, sys::Now());
  try {
    sys::Channel theirs = line_.Open();
    HYDRAPOOL_FAILPOINT("parent.forks");
    child_ = sys::Child::Fork([this, &work = job.work, &channel = theirs] {
      return life_.BeBorn(::getpid()) ? work(std::move(channel)) : 0;
    });
    HYDRAPOOL_FAILPOINT("parent.forked");
    life_.pid = child_.pid();
    life_.pidfd = child_.pidfd();
    death_watch_ =
        loop.Add(child_.pidfd(), EPOLLIN, [call = std::move(job.on_death)](std::uint32_t) { call(); });
    line_.Listen(loop, std::move(job.on_message));
  } catch (const std::system_error&) {
    Close();
    throw;
  }
  Step(WorkerEvent::kForked);
}

bool WorkerHandle::Adopt() {
  using Birth = WorkerLife::Birth;
  if (life_.birth == Birth::kNone) return false;
  line_.Adopt();
  Birth expected = Birth::kExpected;
  if (life_.birth.compare_exchange_strong(expected, Birth::kNone)) {  // it was never born, and ends if it is
    Close();
    return false;
  }
  child_ = sys::Child::Adopt(life_.pid, sys::UniqueFd(life_.pidfd));
  if (life_.stage == WorkerStage::kNone) Step(WorkerEvent::kForked);
  return true;
}

void WorkerHandle::Listen(sys::EventLoop& loop, Job job, const ObituaryRing& obituaries) {
  if (child_.pidfd() < 0) {
    sys::UniqueFd pidfd = sys::OpenPidfd(life_.pid);
    if (obituaries.TellsOf(life_.pid)) pidfd.Reset();  // it is reaped, and the number may be another's
    life_.pidfd = pidfd.get();
    child_ = sys::Child::Adopt(life_.pid, std::move(pidfd));
  }
  line_.Listen(loop, std::move(job.on_message));
}

bool WorkerHandle::EndedUntold(sys::Nanos now, const Kinship& kinship) {
  constexpr sys::Nanos kForItsObituary = sys::kSecond;
  if (!child_ || child_.Ended() || !child_.IsDead()) return false;
  if (dead_since_ == 0) dead_since_ = now;
  return kinship.EndedUntold(pid()) || now - dead_since_ >= kForItsObituary;
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

void WorkerHandle::Close() {
  life_.birth = WorkerLife::Birth::kNone;
  life_.pidfd = -1;
  death_watch_.Reset();
  line_.Close();
  child_ = sys::Child();
  dead_since_ = 0;
  life_.state = WorkerState::kDead;
  life_.stage = WorkerStage::kNone;
  life_.busy = 0;
  life_.pid = 0;
}

sys::Channel WorkerLine::Open() {
  auto [ours, theirs] = sys::MakeChannel();
  channel_ = std::move(ours);
  life_.channel = channel_.fd();
  return std::move(theirs);
}

void WorkerLine::Adopt() {
  channel_ = sys::Channel(sys::UniqueFd(life_.channel));
  life_.told = life_.sent = std::max(life_.sent, life_.taken.load());
}

void WorkerLine::Listen(sys::EventLoop& loop, std::function<void()> on_message) {
  if (!channel_) return;
  watch_ = loop.Add(channel_.fd(), EPOLLIN, [call = std::move(on_message)](std::uint32_t) { call(); });
}

void WorkerLine::Close() {
  life_.channel = -1;
  watch_.Reset();
  channel_.Close();
  batch_.clear();
}

bool WorkerLine::Put(const ToWorker& message) {
  batch_.push_back(message);
  ++life_.told;
  return batch_.size() >= kMaxBatch;
}

void WorkerLine::Withdraw(const std::function<bool(const ToWorker&)>& stale) {
  life_.told -= std::erase_if(batch_, stale);
}

sys::Channel::SendStatus WorkerLine::Send(std::span<const int> descriptors, std::vector<ToWorker>& sent) {
  const auto status = channel_.Send(std::as_bytes(std::span(batch_)), descriptors);
  HYDRAPOOL_FAILPOINT("parent.sent");
  if (status == sys::Channel::SendStatus::kFull) life_.told -= batch_.size();
  if (status == sys::Channel::SendStatus::kSent) life_.sent += batch_.size();
  sent = std::exchange(batch_, {});
  return status;
}

std::optional<WorkerLine::Said> WorkerLine::Peek() {
  alignas(ToParent) std::array<std::byte, sys::Channel::kMaxPacket> buffer;
  if (!channel_) return std::nullopt;
  auto packet = channel_.Peek(buffer);
  if (!packet) return std::nullopt;
  if (packet->bytes.size() < sizeof(ToParent)) {  // its end is closed: the pidfd will tell
    watch_.Reset();
    return std::nullopt;
  }
  HYDRAPOOL_FAILPOINT("parent.hears");
  Said said;
  std::memcpy(&said.message, packet->bytes.data(), sizeof said.message);
  if (said.message.kind != ToParent::Kind::kOffer) return said;
  std::size_t next = 0;
  for (std::size_t i = 0; i < kProcessEnds; ++i) {
    const bool given = (said.message.process_ends & 1u << i) != 0 && next < packet->descriptors.size();
    if (given) said.ends[i] = std::move(packet->descriptors[next++]);
  }
  return said;
}

}  // namespace hydrapool
