// How processes of the simulated world die.
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "pool/simulation/world.h"

namespace hydrapool::simulation {

void World::Exit(int code) {
  const Heap::Outside outside;
  self->exit_code = code;
  self->state = Process::State::kDying;
  trace.Add(steps, self->pid, "exit", code, 0);
  for (;;) Fiber::Yield();
}

int World::Signal(int pid, int signal) {
  Process* const process = Find(pid);
  if (process == nullptr) return ESRCH;
  if (signal == 0 || !process->running()) return 0;
  if (signal == SIGKILL || process->program != nullptr) {
    Kill(*process, signal);
  } else {
    process->signals.pending |= std::uint64_t{1} << (signal - 1);
  }
  return 0;
}

void World::Kill(Process& process, int signal) {
  if (!process.running()) return;
  process.exit_signal = signal;
  process.state = Process::State::kDying;
  trace.Add(steps, process.pid, "killed", signal, 0);
}

void World::GoOnDying(Process& process) {
  if (process.table.use_count() > 1) process.table = std::make_shared<Process::Files>();
  if (!process.files().empty()) {
    process.files().erase(process.files().begin());
    return;
  }
  if (process.kind == Process::Kind::kPool) {  // all others die with it (PR_SET_PDEATHSIG)
    for (const auto& each : processes) {
      Kill(*each, SIGKILL);
      if (each->state == Process::State::kZombie) each->state = Process::State::kReaped;
    }
  }
  if (process.kind == Process::Kind::kParent) LeaveChildren(process);
  const Process* const parent = Find(process.parent);
  const bool orphan = process.parent != 0 && (parent == nullptr || parent->state == Process::State::kZombie);
  process.state = orphan ? Process::State::kReaped : Process::State::kZombie;
  trace.Add(steps, process.pid, "zombie", 0, 0);
  for (const auto& each : process.pidfds) {
    if (const auto pidfd = each.lock()) pidfd->Die();
  }
  Signal(process.parent, SIGCHLD);
}

// Its children become its supervisor's, whose memory is as it was before.
void World::LeaveChildren(const Process& dead) {
  Process* const supervisor = Find(dead.parent);
  if (supervisor == nullptr) return;
  supervisor->heap.Restore();
  for (const auto& each : processes) {
    if (each->parent != dead.pid || each->state == Process::State::kReaped) continue;
    each->parent = supervisor->pid;
    if (each->state == Process::State::kZombie) Signal(supervisor->pid, SIGCHLD);
  }
}

void World::Bury() {
  std::vector<int> lent;  // whose memory a process still runs in
  for (const auto& each : processes) {
    if (each->running()) lent.push_back(each->memory_of);
  }
  std::erase_if(processes, [&](const auto& each) {
    return each->state == Process::State::kReaped && std::ranges::find(lent, each->pid) == lent.end();
  });
}

}  // namespace hydrapool::simulation
