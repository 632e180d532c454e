// What a supervisor calls, and what its parents look at that is no system call of theirs.
#include <signal.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "pool/parent/descriptor_audit.h"
#include "pool/simulation/system_call.h"
#include "pool/supervisor/supervisor.h"
#include "pool/sys/descendants.h"
#include "pool/sys/lifeline.h"

using namespace hydrapool;
using namespace hydrapool::simulation;

namespace {

std::uint64_t MaskOf(const sigset_t* set) {
  std::uint64_t mask = 0;
  for (int signal = 1; signal < 64; ++signal) {
    if (::sigismember(set, signal) == 1) mask |= std::uint64_t{1} << (signal - 1);
  }
  return mask;
}

std::vector<int> Numbers(const Process& process) {
  std::vector<int> numbers;
  for (const auto& [fd, file] : process.files()) numbers.push_back(fd);
  return numbers;
}

}  // namespace

extern "C" {

int __real_sigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout);
int __wrap_sigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout) {
  if (!Simulated()) return __real_sigtimedwait(set, info, timeout);
  const Call call("sigtimedwait");
  Process& self = *call.world.self;
  const std::uint64_t mask = MaskOf(set);
  const Nanos wait = timeout->tv_sec * sys::kSecond + timeout->tv_nsec;
  if ((self.signals.pending & mask) == 0 && wait > 0) call.world.SleepForSignals(mask, call.world.now + wait);
  const std::uint64_t came = self.signals.pending & mask;
  if (came == 0) return Returned(-EAGAIN);
  self.signals.pending &= ~(came & -came);
  return 1 + __builtin_ctzll(came);
}

// Supervisor::Supervisor: what its parents are to run. A clone that returns twice is not to be had here.
void __real__ZN9hydrapool10SupervisorC1ERNS_8PoolLifeERKNS_3sys18OomScoreOfChildrenENS0_4PoolE(
    Supervisor* self, PoolLife& life, const sys::OomScoreOfChildren& oom_score, Supervisor::Pool pool);
void __wrap__ZN9hydrapool10SupervisorC1ERNS_8PoolLifeERKNS_3sys18OomScoreOfChildrenENS0_4PoolE(
    Supervisor* self, PoolLife& life, const sys::OomScoreOfChildren& oom_score, Supervisor::Pool pool) {
  if (Simulated()) {
    const Heap::Outside outside;
    World::current->parent_to_be = pool.parent;
  }
  __real__ZN9hydrapool10SupervisorC1ERNS_8PoolLifeERKNS_3sys18OomScoreOfChildrenENS0_4PoolE(
      self, life, oom_score, std::move(pool));
}

// DescriptorAudit: of simulated descriptors, which have no /proc.
void __real__ZN9hydrapool15DescriptorAuditC1EiSt6vectorIiSaIiEE(DescriptorAudit* self, int most,
                                                                std::vector<int> handed);
void __wrap__ZN9hydrapool15DescriptorAuditC1EiSt6vectorIiSaIiEE(DescriptorAudit* self, int most,
                                                                std::vector<int> handed) {
  if (!Simulated())
    return __real__ZN9hydrapool15DescriptorAuditC1EiSt6vectorIiSaIiEE(self, most, std::move(handed));
  std::memset(static_cast<void*>(self), 0, sizeof *self);  // an empty vector
  const Heap::Outside outside;
  World::current->descriptors_at_first = Numbers(*World::current->self);
}

using Descriptors = std::vector<sys::UniqueFd>;
Descriptors __wrap__ZNK9hydrapool15DescriptorAudit7UnknownESt6vectorIiSaIiEE(const DescriptorAudit*,
                                                                             std::vector<int> noted) {
  World& world = *World::current;
  Descriptors unknown;
  const auto in = [](const std::vector<int>& list, int fd) {
    return std::ranges::find(list, fd) != list.end();
  };
  for (const int fd : Numbers(*world.self)) {
    if (!in(world.descriptors_at_first, fd) && !in(noted, fd)) unknown.emplace_back(fd);
  }
  return unknown;
}

// sys::Lifeline::Tie: a supervisor of the simulation outlives all others.
int __wrap__ZN9hydrapool3sys8Lifeline3TieEPKci(const char*, pid_t) { return -1; }

// sys::ParentOf
pid_t __wrap__ZN9hydrapool3sys8ParentOfEi(pid_t pid) {
  const Process* const process = World::current->Find(pid);
  return process == nullptr ? 0 : process->parent;
}

}  // extern "C"
