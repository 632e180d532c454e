#include "pool/parent/left_processes.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "pool/shared/launchers.h"
#include "pool/shared/process_places.h"
#include "pool/sys/child.h"
#include "pool/sys/failpoint.h"
#include "pool/sys/kill.h"

namespace hydrapool {
namespace {

constexpr std::size_t kMostBelow = 64;  // of one program's descendants, each of which takes a descriptor
constexpr std::uint32_t kMostLeft = ProcessPlaces::kMost;

}  // namespace

ProcessEndNumbers NumbersOf(const ProcessEnds& ends) {
  ProcessEndNumbers numbers = kNoEnds;
  for (std::size_t i = 0; i < kProcessEnds; ++i) numbers[i] = ends[i].get();
  return numbers;
}

void KillWithDescendants(pid_t pid) {
  for (const sys::FoundProcess& each : sys::Descendants(pid, kMostBelow))
    sys::SignalPidfd(each.pidfd.get(), SIGKILL);
  sys::KillGroup(pid, SIGKILL);
  sys::Kill(pid, SIGKILL);
}

LeftProcesses::LeftProcesses(sys::EventLoop& loop) : loop_(loop), records_(kMostLeft) {
  for (std::uint32_t i = kMostLeft; i-- > 0;) free_.push_back(i);
}

void LeftProcesses::Adopt(Kinship kinship) {
  kinship_ = kinship;
  std::erase_if(free_, [this](std::uint32_t number) {
    const Record& record = records_[number];
    if (record.pid == 0) return false;
    Left& left = New(record.pid, number);
    left.terminating = record.terminating;
    for (std::size_t i = 0; i < kProcessEnds; ++i) left.ends[i].Reset(record.ends[i]);
    return true;
  });
}

void LeftProcesses::Resume() {
  for (auto& [pid, left] : left_) {
    SetTimer(pid, left, records_[left.record].due);
    if (!left.terminating) ReadAndDrop(left);
  }
}

void LeftProcesses::AppendNoted(std::vector<int>& descriptors) const {
  for (const auto& [pid, left] : left_) {
    for (const sys::UniqueFd& end : left.ends) descriptors.push_back(end.get());
  }
}

LeftProcesses::Left& LeftProcesses::New(pid_t pid, std::uint32_t record) {
  Left& left = left_.try_emplace(pid, fmt::format("cgi process {}", pid)).first->second;
  left.record = record;
  return left;
}

// Null: it is not ours (any more). Until the parent or the supervisor reaps it, the pid cannot be anybody
// else's; an orphan's could, in the moment between this look and a signal.
LeftProcesses::Left* LeftProcesses::Leave(pid_t pid, ProcessEnds ends) {
  if (!kinship_.IsOurs(pid) || free_.empty()) return nullptr;
  const auto known = left_.find(pid);
  const bool is_new = known == left_.end();
  Left& left = is_new ? New(pid, free_.back()) : known->second;
  if (is_new) free_.pop_back();
  for (std::size_t i = 0; i < kProcessEnds; ++i) {
    if (!left.ends[i]) left.ends[i] = std::move(ends[i]);  // what is watched stays
  }
  return &left;
}

void LeftProcesses::Note(pid_t pid, const Left& left, sys::Nanos due) {
  Record& record = records_[left.record];
  record.terminating = left.terminating;
  record.ends = NumbersOf(left.ends);
  record.due = due;
  record.pid = pid;
}

void LeftProcesses::LetFinish(pid_t pid, ProcessEnds ends) {
  Left* const left = Leave(pid, std::move(ends));
  if (left == nullptr || left->terminating) return;
  const sys::Nanos due = sys::Now() + kFinish;
  Note(pid, *left, due);
  SetTimer(pid, *left, due);
  ReadAndDrop(*left);
}

void LeftProcesses::Terminate(pid_t pid, ProcessEnds ends) {
  Left* const left = Leave(pid, std::move(ends));
  if (left == nullptr || left->terminating) return;
  left->terminating = true;
  left->output_watch.Reset();
  const sys::Nanos due = sys::Now() + kGrace;
  Note(pid, *left, due);
  HYDRAPOOL_FAILPOINT("parent.terminates");
  SignalAll(pid, *left, SIGTERM);
  SetTimer(pid, *left, due);
}

void LeftProcesses::SetTimer(pid_t pid, Left& left, sys::Nanos due) {
  left.timer = loop_.At(due, [this, pid, &left] {
    if (left.terminating) return SignalAll(pid, left, SIGKILL);
    Terminate(pid, {});
  });
}

void LeftProcesses::ReadAndDrop(Left& left) {
  const int output = left.ends[static_cast<std::size_t>(ProcessEnd::kOutput)].get();
  const int errors = left.ends[static_cast<std::size_t>(ProcessEnd::kErrors)].get();
  if (output >= 0 && !left.output_watch) {
    left.output_watch = loop_.Add(output, EPOLLIN, [&left, output](std::uint32_t) {
      std::array<char, 64 * 1024> dropped;
      const ssize_t count = ::read(output, dropped.data(), dropped.size());
      if (count == 0) left.output_watch.Reset();
    });
  }
  if (errors >= 0 && !left.errors_watch) {
    left.errors_watch = loop_.Add(errors, EPOLLIN, [&left, errors](std::uint32_t) {
      if (!left.errors.Drain(errors)) left.errors_watch.Reset();
    });
  }
}

// A launcher's programs are another user's: only the launcher can reach them.
void LeftProcesses::SignalAll(pid_t pid, Left& left, int signal) const {
  if (kinship_.Of(pid) == Kin::kLaunched) return launchers::Signal(pid, signal);
  sys::SignalTree(pid, left.below, signal);
}

void LeftProcesses::OnEnd(pid_t pid) {
  const auto found = left_.find(pid);
  if (found == left_.end()) return;
  Left& left = found->second;
  // What is left of its group, while the number is still its own.
  if (left.terminating) SignalAll(pid, left, SIGKILL);
  if (const auto& errors = left.ends[static_cast<std::size_t>(ProcessEnd::kErrors)])
    left.errors.Drain(errors.get());
  left.errors.Finish();
  records_[left.record].pid = 0;
  free_.push_back(left.record);
  left_.erase(found);
}

void LeftProcesses::KillAll() {
  for (const auto& [pid, left] : left_) KillWithDescendants(pid);
}

}  // namespace hydrapool
