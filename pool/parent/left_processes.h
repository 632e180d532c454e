#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pool/parent/kinship.h"
#include "pool/shared/messages.h"
#include "pool/sys/clock.h"
#include "pool/sys/descendants.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/shared_memory.h"
#include "pool/sys/stderr_log.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool {

/// The parent's copies of the descriptors by which a request's process is reached.
using ProcessEnds = std::array<sys::UniqueFd, kProcessEnds>;
using ProcessEndNumbers = std::array<int, kProcessEnds>;
inline constexpr ProcessEndNumbers kNoEnds{-1, -1, -1, -1};
static_assert(kNoEnds.back() == -1);
[[nodiscard]] ProcessEndNumbers NumbersOf(const ProcessEnds& ends);

/// The processes whose requests are over: finishing, then terminating (TERM, KILL after kGrace), then reaped
/// by whoever calls OnEnd.
///
/// Their ends stay open until they are gone. So a process that is terminated in the middle of its input never
/// takes that for the end of it; and one whose answer is complete may write on: what it writes is read and
/// dropped (RFC 3875, section 6.4), its stderr is logged.
///
/// All is noted in shared memory, for the next parent; not what a process has begun of a line of its stderr.
class LeftProcesses {
 public:
  static constexpr sys::Nanos kGrace = 700 * sys::kMillisecond;  ///< from TERM to KILL: gone in a second
  static constexpr sys::Nanos kFinish = 60 * sys::kSecond;       ///< from the end of the answer to TERM

  explicit LeftProcesses(sys::EventLoop& loop);

  /// In a new parent, before it opens any descriptor. `kinship`: what is ours beside our own children.
  void Adopt(Kinship kinship);
  /// Then: goes on with them.
  void Resume();
  void AppendNoted(std::vector<int>& descriptors) const;

  /// It may run on for kFinish. Ignores what is not ours.
  void LetFinish(pid_t pid, ProcessEnds ends);
  /// TERM to it, its group and what it has started and has left the group; KILL after kGrace. Ignores what is
  /// not ours.
  void Terminate(pid_t pid, ProcessEnds ends);
  /// It has died and is not yet reaped.
  void OnEnd(pid_t pid);
  [[nodiscard]] std::size_t size() const { return left_.size(); }
  [[nodiscard]] bool IsTerminating(pid_t pid) const {
    const auto found = left_.find(pid);
    return found != left_.end() && found->second.terminating;
  }
  [[nodiscard]] const Kinship& kinship() const { return kinship_; }
  void KillAll();

 private:
  struct Record {  // in shared memory
    std::atomic<pid_t> pid{0};
    bool terminating = false;
    ProcessEndNumbers ends = kNoEnds;
    sys::Nanos due = 0;  // of the next signal
  };
  struct Left {
    explicit Left(std::string name) : errors(std::move(name)) {}
    std::uint32_t record = 0;
    bool terminating = false;
    ProcessEnds ends;
    sys::StderrLog errors;
    sys::EventLoop::Watch output_watch;
    sys::EventLoop::Watch errors_watch;
    sys::EventLoop::Timer timer;
    std::vector<sys::FoundProcess> below;  // what it has started and was to be ended with it
  };
  Left* Leave(pid_t pid, ProcessEnds ends);
  Left& New(pid_t pid, std::uint32_t record);
  void Note(pid_t pid, const Left& left, sys::Nanos due);
  void SetTimer(pid_t pid, Left& left, sys::Nanos due);
  void ReadAndDrop(Left& left);
  void SignalAll(pid_t pid, Left& left, int signal) const;

  sys::EventLoop& loop_;
  sys::SharedArray<Record> records_;
  std::vector<std::uint32_t> free_;  // records
  std::map<pid_t, Left> left_;
  Kinship kinship_;
};

/// KILL to a process, its group and its descendants.
void KillWithDescendants(pid_t pid);

}  // namespace hydrapool
