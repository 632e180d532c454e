#include "harness/run/leftovers.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "harness/fault/process_tree.h"
#include "harness/run/program.h"
#include "pool/sys/child.h"
#include "pool/sys/clock.h"

namespace hydrapool::harness {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenLooks{10};
constexpr int kGenerations = 5;

void EraseEnded(std::vector<Leftover>& leftovers) {
  std::erase_if(leftovers,
                [](const Leftover& each) { return EndsWithin(each.pidfd.get(), milliseconds(0)); });
}

}  // namespace

void AdoptOrphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

std::vector<Leftover> MembersOf(pid_t group) {
  std::vector<Leftover> members;
  for (const pid_t pid : AllProcesses()) {
    if (pid == group) continue;
    sys::UniqueFd pidfd = sys::OpenPidfd(pid);
    const auto process = ReadProcess(pid);
    if (pidfd && ::getpgid(pid) == group && process && process->alive())
      members.push_back({.pid = pid, .pidfd = std::move(pidfd)});
  }
  return members;
}

void AddOrphans(std::vector<Leftover>& leftovers) {
  const auto own = ReadProgram(::getpid());
  const Program loadgen{.file = SiblingProgram("loadgen"), .comm = "loadgen"};
  for (const pid_t pid : ChildrenOf(::getpid())) {
    sys::UniqueFd pidfd = sys::OpenPidfd(pid);
    const auto process = ReadProcess(pid);
    const auto program = ReadProgram(pid);
    if (!pidfd || !own || !program || !process || !process->alive() || process->parent != ::getpid())
      continue;
    if (program->SameAs(*own) || program->SameAs(loadgen)) continue;
    if (std::ranges::find(leftovers, pid, &Leftover::pid) == leftovers.end())
      leftovers.push_back({.pid = pid, .pidfd = std::move(pidfd)});
  }
}

std::vector<pid_t> EndAll(std::vector<Leftover> leftovers, milliseconds patience) {
  const sys::Nanos deadline = sys::Now() + sys::ToNanos(patience);
  for (EraseEnded(leftovers); !leftovers.empty() && sys::Now() < deadline; EraseEnded(leftovers))
    std::this_thread::sleep_for(kBetweenLooks);
  std::vector<pid_t> killed;
  for (int i = 0; i < kGenerations && !leftovers.empty(); ++i) {
    for (const Leftover& each : leftovers) {
      sys::SignalPidfd(each.pidfd.get(), SIGKILL);
      static_cast<void>(EndsWithin(each.pidfd.get(), milliseconds(1000)));
      killed.push_back(each.pid);
    }
    leftovers.clear();
    AddOrphans(leftovers);  // the children of those that were killed
  }
  return killed;
}

}  // namespace hydrapool::harness
