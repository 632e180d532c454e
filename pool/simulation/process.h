#pragma once

#include <signal.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "pool/simulation/fiber.h"
#include "pool/simulation/file.h"
#include "pool/simulation/heap.h"
#include "pool/simulation/program.h"
#include "pool/sys/clock.h"

namespace hydrapool::simulation {

/// What a simulated process waits for before it goes on.
struct Waits {
  const Epoll* epoll = nullptr;  ///< in epoll_wait(2)
  std::uint64_t signals = 0;     ///< in sigtimedwait(2): a mask
  Nanos until = 0;               ///< in either
  int child = 0;                 ///< in vfork
  std::uint64_t held_until = 0;  ///< a step: others come first until then
  Nanos frozen_until = 0;        ///< stopped, or without a CPU
};

/// A simulated process's signals.
struct Signals {
  std::array<sighandler_t, NSIG> handlers{};
  std::uint64_t blocked = 0;  ///< bit: signal - 1
  std::uint64_t pending = 0;
  int newest_pipe = -1;
  int pipe = -1;  ///< what its handlers write into: the pipe made just before them

  [[nodiscard]] bool Due() const { return (pending & ~blocked) != 0; }
};

/// A simulated process: shipped code on a fiber, with memory and descriptors of its own.
///
///   running → dying (its descriptors close one by one) → zombie → reaped
struct Process {
  enum class State : std::uint8_t { kRunning, kDying, kZombie, kReaped };
  enum class Kind : std::uint8_t { kPool, kParent, kWorker, kProgram };  // kParent: of a supervised pool

  int pid = 0;
  int parent = 0;
  Kind kind = Kind::kPool;
  State state = State::kRunning;
  Nanos started_at = 0;
  int exit_code = 0;
  int exit_signal = 0;

  Heap heap;
  std::unique_ptr<Fiber> fiber;
  int memory_of = 0;                 ///< before its exec it runs in the memory of that process (vfork)
  std::unique_ptr<Program> program;  ///< what it has executed; its fiber goes on no more
  using Files = std::map<int, FileRef>;
  std::shared_ptr<Files> table = std::make_shared<Files>();  ///< one for both, after a clone with CLONE_FILES

  Waits waits;
  Signals signals;
  std::vector<std::weak_ptr<ProcessFile>> pidfds;

  [[nodiscard]] Files& files() const { return *table; }
  [[nodiscard]] bool running() const { return state == State::kRunning; }
  [[nodiscard]] FileRef file(int fd) const {
    const auto found = table->find(fd);
    return found == table->end() ? nullptr : found->second;
  }
  [[nodiscard]] bool CanActAsProgram() const { return running() && program != nullptr && program->CanAct(); }
  [[nodiscard]] bool Runnable(Nanos now) const {
    if (!running() || program != nullptr || waits.frozen_until > now) return false;
    if (waits.signals != 0) return (signals.pending & waits.signals) != 0 || waits.until <= now;
    return waits.epoll == nullptr || signals.Due() || waits.until <= now || waits.epoll->AnyReady();
  }
};

}  // namespace hydrapool::simulation
