#include "pool/parent/process_keeper.h"

#include <algorithm>
#include <utility>

#include "pool/shared/process_cgroups.h"
#include "pool/sys/failpoint.h"

namespace hydrapool {
namespace {

constexpr sys::Nanos kSweepAgain = 100 * sys::kMillisecond;

}  // namespace

ProcessKeeper::ProcessKeeper(sys::EventLoop& loop, LeaseTable& table, PoolCounts& counts)
    : loop_(loop), table_(table), counts_(counts), records_(table.size()), offers_(1), left_(loop) {}

void ProcessKeeper::Adopt(Kinship kinship) {
  left_.Adopt(kinship);
  std::vector<int> left;
  left_.AppendNoted(left);
  for (std::uint32_t slot = 0; slot < records_.size(); ++slot) {
    Record& record = records_[slot];
    if (!record.held) continue;
    Held& held = held_[slot];
    held.offer = record.offer;
    for (std::size_t i = 0; i < kProcessEnds; ++i) {
      // Where the parent before died between the two, it is left and no longer held.
      const bool is_left = std::ranges::find(left, record.ends[i]) != left.end();
      held.ends[i].Reset(is_left ? -1 : record.ends[i]);
    }
  }
  Count();
}

void ProcessKeeper::Resume() {
  left_.Resume();
  SweepCgroups();
}

void ProcessKeeper::AppendNoted(std::vector<int>& descriptors) const {
  left_.AppendNoted(descriptors);
  for (const auto& [slot, held] : held_) {
    for (const sys::UniqueFd& end : held.ends) descriptors.push_back(end.get());
  }
}

void ProcessKeeper::OnMessage(const ToParent& message, ProcessEnds ends) {
  Record& record = records_[message.slot];
  switch (message.kind) {
    case ToParent::Kind::kOffer: {
      if (!record.held) {
        record.ends = kNoEnds;
        record.offer = ++offers_[0];
      }
      Held& held = held_[message.slot];
      for (std::size_t i = 0; i < kProcessEnds; ++i) {
        if (ends[i]) record.ends[i] = ends[i].get();
      }
      record.held = true;
      HYDRAPOOL_FAILPOINT("parent.holds");
      for (std::size_t i = 0; i < kProcessEnds; ++i) {
        if (ends[i]) held.ends[i] = std::move(ends[i]);
      }
      held.offer = record.offer;
      Count();
      break;
    }
    case ToParent::Kind::kCloseEnd:
      if (const auto held = held_.find(message.slot); held != held_.end()) {
        for (std::size_t i = 0; i < kProcessEnds; ++i) {
          if ((message.process_ends & 1u << i) == 0) continue;
          record.ends[i] = -1;
          held->second.ends[i].Reset();
        }
      }
      break;
    case ToParent::Kind::kLetGo:
      left_.LetFinish(message.pid, Release(message.slot));
      break;
    case ToParent::Kind::kTerminate:
      left_.Terminate(message.pid, Release(message.slot));
      break;
  }
}

std::uint8_t ProcessKeeper::AppendEnds(std::uint32_t slot, std::vector<int>& descriptors) const {
  const auto held = held_.find(slot);
  if (held == held_.end()) return 0;
  std::uint8_t mask = 0;
  for (std::size_t i = 0; i < kProcessEnds; ++i) {
    if (!held->second.ends[i]) continue;
    mask |= static_cast<std::uint8_t>(1u << i);
    descriptors.push_back(held->second.ends[i].get());
  }
  return mask;
}

std::uint64_t ProcessKeeper::OfferOf(std::uint32_t slot) const {
  const auto held = held_.find(slot);
  return held == held_.end() ? 0 : held->second.offer;
}

ProcessEnds ProcessKeeper::Release(std::uint32_t slot) {
  const auto held = held_.find(slot);
  if (held == held_.end()) return {};
  ProcessEnds ends = std::move(held->second.ends);
  ends[static_cast<std::size_t>(ProcessEnd::kBody)].Reset();
  held_.erase(held);
  records_[slot].held = false;
  Count();
  return ends;
}

void ProcessKeeper::Drop(std::uint32_t slot, bool terminate) {
  const bool held = held_.contains(slot);
  ProcessEnds ends = Release(slot);
  const ProcessWord word = table_.detail(slot).LoadProcess();
  const bool runs = word.state == ProcessWord::State::kRunning || word.state == ProcessWord::State::kLeft;
  if (!runs && !held) return;
  // Held, and not the request's any more: its worker has let it go, and could not say so yet.
  const pid_t pid = runs ? word.value : table_.detail(slot).last_process.load();
  if (runs && terminate) {
    left_.Terminate(pid, std::move(ends));
  } else {
    left_.LetFinish(pid, std::move(ends));
  }
  Count();
}

void ProcessKeeper::Terminate(pid_t pid) {
  left_.Terminate(pid, {});
  Count();
}

void ProcessKeeper::LetFinish(pid_t pid) {
  left_.LetFinish(pid, {});
  Count();
}

void ProcessKeeper::Count() {
  counts_.processes.store(static_cast<std::uint32_t>(held_.size() + left_.size()), std::memory_order_relaxed);
}

bool ProcessKeeper::CloseGate(std::uint32_t slot) const {
  std::atomic<std::uint64_t>& process = table_.detail(slot).process;
  std::uint64_t word = process.load();
  while (ProcessWord::Unpack(word).state == ProcessWord::State::kPreparing) {
    HYDRAPOOL_STORE_POINT("process.gate", &process);
    if (process.compare_exchange_weak(word, 0)) return false;
  }
  return ProcessWord::Unpack(word).answers();
}

void ProcessKeeper::Part(std::uint32_t slot) {
  std::atomic<std::uint64_t>& process = table_.detail(slot).process;
  const ProcessWord word = ProcessWord::Unpack(process.load());
  if (word.state != ProcessWord::State::kLeft) return;
  Drop(slot, table_.detail(slot).terminate.load());
  process.store(0);
}

std::optional<std::uint32_t> ProcessKeeper::SlotOf(pid_t pid) const {
  for (const auto& [slot, held] : held_) {
    const ProcessWord word = table_.detail(slot).LoadProcess();
    if (word.state == ProcessWord::State::kRunning && word.value == pid) return slot;
  }
  return std::nullopt;
}

// False: its worker has ended the request meanwhile, and may be about to start the next one's.
bool ProcessKeeper::NoteEnd(std::uint32_t slot, pid_t pid, const sys::ExitStatus& status) const {
  const std::int32_t value = status.signal != 0 ? 256 + status.signal : status.code;
  std::uint64_t running = ProcessWord{ProcessWord::State::kRunning, pid}.Pack();
  HYDRAPOOL_STORE_POINT("process.ended", &table_.detail(slot).process);
  return table_.detail(slot).process.compare_exchange_strong(
      running, ProcessWord{ProcessWord::State::kEnded, value}.Pack());
}

std::optional<std::uint32_t> ProcessKeeper::OnEnd(pid_t pid, const sys::ExitStatus& status) {
  left_.OnEnd(pid);
  Count();
  const auto slot = SlotOf(pid);
  return slot && NoteEnd(*slot, pid, status) ? slot : std::nullopt;
}

ProcessPlaces::Freed ProcessKeeper::OnReaped(pid_t pid) {
  table_.bodies().Free(pid);
  const bool out_of_memory = EndCgroup(pid);
  ProcessPlaces::Freed freed = table_.places().Free(pid);
  freed.out_of_memory = out_of_memory;
  return freed;
}

bool ProcessKeeper::EndCgroup(pid_t pid) {
  const ProcessCgroups* const cgroups = ProcessCgroups::OfPool();
  const auto place = cgroups == nullptr ? std::nullopt : table_.places().NumberOf(pid);
  if (!place) return false;
  std::atomic<std::uint64_t>& tenancies = table_.places().Tenancies(*place);
  const CgroupName name{.place = *place, .tenancy = tenancies};
  const bool out_of_memory = cgroups->OutOfMemory(name) > 0;
  const bool gone = cgroups->End(name);
  HYDRAPOOL_FAILPOINT("parent.cgroup_ended");
  tenancies = name.tenancy + 1;
  if (!gone && !sweep_) sweep_ = loop_.At(sys::Now() + kSweepAgain, [this] { SweepCgroups(); });
  return out_of_memory;
}

void ProcessKeeper::SweepCgroups() {
  const ProcessCgroups* const cgroups = ProcessCgroups::OfPool();
  if (cgroups == nullptr) return;
  const bool gone = cgroups->EndAll([this](const CgroupName& name) {
    return name.place < ProcessPlaces::kMost && name.tenancy < table_.places().Tenancies(name.place);
  });
  if (!gone) sweep_ = loop_.At(sys::Now() + kSweepAgain, [this] { SweepCgroups(); });
}

std::vector<pid_t> ProcessKeeper::EndedUntold() const {
  std::vector<pid_t> ended = table_.places().Occupants();
  std::erase_if(ended, [this](pid_t pid) { return !left_.kinship().EndedUntold(pid); });
  return ended;
}

void ProcessKeeper::KillAll() {
  for (const auto& [slot, held] : held_) {
    const ProcessWord word = table_.detail(slot).LoadProcess();
    // Shared memory that a worker may have spoilt.
    if (word.state == ProcessWord::State::kRunning && left_.kinship().IsOurs(word.value))
      KillWithDescendants(word.value);
  }
  left_.KillAll();
}

}  // namespace hydrapool
