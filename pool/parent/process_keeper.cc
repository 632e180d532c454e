#include "pool/parent/process_keeper.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "pool/sys/failpoint.h"
#include "pool/sys/log.h"

namespace hydrapool {
namespace {

constexpr std::uint32_t kNoSlot = UINT32_MAX;
constexpr std::size_t kMostBelow = 64;  // of one program's descendants, each of which takes a descriptor

void Kill(pid_t pid) {
  for (const sys::FoundProcess& each : sys::Descendants(pid, kMostBelow))
    sys::SignalPidfd(each.pidfd.get(), SIGKILL);
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
}

}  // namespace

ProcessKeeper::ProcessKeeper(sys::EventLoop& loop, LeaseTable& table, PoolCounts& counts)
    : loop_(loop), table_(table), counts_(counts) {}

ProcessKeeper::~ProcessKeeper() {
  for (const auto& [slot, held] : held_) {
    const ProcessWord word = table_.detail(slot).LoadProcess();
    // Shared memory that a worker may have spoilt: kill(-1) would be everybody.
    if (word.state == ProcessWord::State::kRunning && IsChild(word.value)) Kill(word.value);
  }
  for (const auto& [pid, left] : left_) Kill(pid);
}

void ProcessKeeper::OnMessage(const ToParent& message, std::vector<sys::UniqueFd> descriptors) {
  switch (message.kind) {
    case ToParent::Kind::kOffer: {
      Held& held = held_[message.slot];
      if (held.offer == 0) held.offer = ++offers_;
      std::size_t next = 0;
      for (std::size_t i = 0; i < kProcessEnds; ++i) {
        const bool given = (message.process_ends & 1u << i) != 0 && next < descriptors.size();
        if (given) held.ends[i] = std::move(descriptors[next++]);
      }
      Count();
      break;
    }
    case ToParent::Kind::kCloseEnd:
      if (const auto held = held_.find(message.slot); held != held_.end()) {
        for (std::size_t i = 0; i < kProcessEnds; ++i) {
          if ((message.process_ends & 1u << i) != 0) held->second.ends[i].Reset();
        }
      }
      break;
    case ToParent::Kind::kLetGo:
      LetFinish(message.pid, Release(message.slot));
      break;
    case ToParent::Kind::kTerminate:
      Terminate(message.pid, Release(message.slot));
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

ProcessKeeper::Ends ProcessKeeper::Release(std::uint32_t slot) {
  const auto held = held_.find(slot);
  if (held == held_.end()) return {};
  Ends ends = std::move(held->second.ends);
  ends[static_cast<std::size_t>(ProcessEnd::kBody)].Reset();
  held_.erase(held);
  Count();
  return ends;
}

void ProcessKeeper::Drop(std::uint32_t slot, bool terminate) {
  Ends ends = Release(slot);
  const ProcessWord word = table_.detail(slot).LoadProcess();
  if (word.state != ProcessWord::State::kRunning && word.state != ProcessWord::State::kLeft) return;
  if (terminate) {
    Terminate(word.value, std::move(ends));
  } else {
    LetFinish(word.value, std::move(ends));
  }
}

// Null: it is no child of ours (any more).
ProcessKeeper::Left* ProcessKeeper::Leave(pid_t pid, Ends ends) {
  if (!IsChild(pid)) return nullptr;
  Left& left = left_.try_emplace(pid, fmt::format("cgi process {}", pid)).first->second;
  for (std::size_t i = 0; i < kProcessEnds; ++i) {
    if (ends[i]) left.ends[i] = std::move(ends[i]);
  }
  Count();
  return &left;
}

void ProcessKeeper::LetFinish(pid_t pid, Ends ends) {
  Left* const left = Leave(pid, std::move(ends));
  if (left == nullptr || left->terminating) return;
  left->timer = loop_.At(sys::Now() + kFinish, [this, pid] { Terminate(pid); });
  ReadAndDrop(*left);
}

void ProcessKeeper::ReadAndDrop(Left& left) {
  const int output = left.ends[static_cast<std::size_t>(ProcessEnd::kOutput)].get();
  const int errors = left.ends[static_cast<std::size_t>(ProcessEnd::kErrors)].get();
  if (output >= 0) {
    left.output_watch = loop_.Add(output, EPOLLIN, [&left, output](std::uint32_t) {
      std::array<char, 64 * 1024> dropped;
      const ssize_t count = ::read(output, dropped.data(), dropped.size());
      if (count == 0) left.output_watch.Reset();
    });
  }
  if (errors >= 0) {
    left.errors_watch = loop_.Add(errors, EPOLLIN, [&left, errors](std::uint32_t) {
      if (!left.errors.Drain(errors)) left.errors_watch.Reset();
    });
  }
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

// Only the parent reaps, so until it has, the pid cannot be anybody else's. waitid knows our children, dead
// or alive.
bool ProcessKeeper::IsChild(pid_t pid) {
  siginfo_t info{};
  return pid > 1 && ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void ProcessKeeper::Terminate(pid_t pid, Ends ends) {
  Left* const left = Leave(pid, std::move(ends));
  if (left == nullptr || left->terminating) return;
  left->terminating = true;
  left->output_watch.Reset();
  SignalAll(pid, *left, SIGTERM);
  left->timer = loop_.At(sys::Now() + kGrace, [pid, left] { SignalAll(pid, *left, SIGKILL); });
}

// Each once: a handler of TERM is not to run twice.
void ProcessKeeper::SignalAll(pid_t pid, Left& left, int signal) {
  for (sys::FoundProcess& each : sys::Descendants(pid, kMostBelow)) {
    const bool known = std::ranges::find(left.below, each.pid, &sys::FoundProcess::pid) != left.below.end();
    if (!known && ::getpgid(each.pid) != pid) left.below.push_back(std::move(each));
  }
  for (const sys::FoundProcess& each : left.below) sys::SignalPidfd(each.pidfd.get(), signal);
  if (::getpgid(pid) != pid) ::kill(pid, signal);
  ::kill(-pid, signal);
}

void ProcessKeeper::Part(std::uint32_t slot) {
  std::atomic<std::uint64_t>& process = table_.detail(slot).process;
  const ProcessWord word = ProcessWord::Unpack(process.load());
  if (word.state != ProcessWord::State::kLeft) return;
  Drop(slot, table_.detail(slot).terminate.load());
  process.store(0);
}

std::uint32_t ProcessKeeper::SlotOf(pid_t pid) const {
  for (const auto& [slot, held] : held_) {
    const ProcessWord word = table_.detail(slot).LoadProcess();
    if (word.state == ProcessWord::State::kRunning && word.value == pid) return slot;
  }
  return kNoSlot;
}

// False: its worker has ended the request meanwhile, and may be about to start the next one's.
bool ProcessKeeper::NoteEnd(std::uint32_t slot, pid_t pid, const sys::ExitStatus& status) const {
  const std::int32_t value = status.signal != 0 ? 256 + status.signal : status.code;
  std::uint64_t running = ProcessWord{ProcessWord::State::kRunning, pid}.Pack();
  HYDRAPOOL_STORE_POINT("process.ended", &table_.detail(slot).process);
  return table_.detail(slot).process.compare_exchange_strong(
      running, ProcessWord{ProcessWord::State::kEnded, value}.Pack());
}

void ProcessKeeper::ReapAll(const std::function<bool(pid_t)>& on_worker,
                            const std::function<void(std::uint32_t)>& on_process_end) {
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    const pid_t pid = info.si_pid;
    if (on_worker(pid)) continue;
    if (const auto left = left_.find(pid); left != left_.end()) {
      // What is left of its group, while the number is still its own.
      if (left->second.terminating) SignalAll(pid, left->second, SIGKILL);
      if (const auto& errors = left->second.ends[static_cast<std::size_t>(ProcessEnd::kErrors)])
        left->second.errors.Drain(errors.get());
      left->second.errors.Finish();
      left_.erase(left);
      Count();
    }
    const std::uint32_t slot = SlotOf(pid);
    const bool noted = slot != kNoSlot && NoteEnd(slot, pid, sys::ExitStatus::FromSiginfo(info));
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
    table_.places().Free(pid);
    table_.bodies().Free(pid);
    if (noted) on_process_end(slot);
  }
}

}  // namespace hydrapool
