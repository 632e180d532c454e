#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pool/simulation/faults.h"
#include "pool/simulation/process.h"
#include "pool/simulation/random.h"
#include "pool/simulation/tcp.h"
#include "pool/simulation/trace.h"
#include "pool/simulation/weather.h"
#include "pool/sys/clock.h"

namespace hydrapool::simulation {

/// The simulated machine: its processes, its clock, its connections. At most one at a time.
///
/// The shipped code of parent and workers runs on fibers. Whenever it makes a system call (system_calls.cc),
/// passes a failpoint or stores into shared memory, that is a step: the clock moves, the process may die
/// there, another may have its turn. No chance but `random` is in it, so a seed is a story.
class World {
 public:
  World(std::uint64_t seed, const Weather& weather, std::size_t events, Fault fault);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Null: system calls are real.
  static World* current;

  Random random;
  Weather weather;
  Trace trace;
  Faults faults;
  std::uint64_t steps = 0;
  Nanos now = sys::kSecond;
  Process* self = nullptr;  ///< the process that runs
  std::vector<std::unique_ptr<Process>> processes;
  std::vector<std::shared_ptr<TcpConnection>> connections;
  std::uint64_t deaths = 0;
  std::uint64_t parent_deaths = 0;
  std::function<int()> parent_to_be;      ///< what the supervisor's next child is to run
  std::vector<int> descriptors_at_first;  ///< of the supervisor
  bool draining = false;                  ///< the pool was told to end
  std::map<std::string, int> executed;    ///< by query: how often a program ran for it
  std::size_t most_programs = SIZE_MAX;   ///< so many at once

  /// What is wrong; the first only.
  void Fail(std::string what);
  [[nodiscard]] const std::string& failure() const { return failure_; }

  // ---- for the shipped code
  /// One step of the running process. It may die here, or others may run before this returns.
  void Pass(const char* what, std::int64_t a = 0, std::int64_t b = 0);
  /// epoll_wait: until something is ready, a signal comes or the time is over.
  void Sleep(const Epoll& epoll, Nanos until);
  /// sigtimedwait: until one of the mask's signals is pending or the time is over.
  void SleepForSignals(std::uint64_t mask, Nanos until);
  /// The running process is about to swap a shared word: a good moment for others.
  void BeforeSwap(const char* what);
  /// Starts the process that runs `body`, as a copy of the running one; it runs until it first sleeps.
  /// Returns its pid.
  int Fork(const std::function<int()>& body, std::byte* stack_below);
  /// Starts the process that runs `body` with the running one's descriptors, each of the two for both, and
  /// with a copy of its memory. Returns its pid.
  ///
  /// There is no copy: until the child is dead the running one must not look at what it has in its heap,
  /// which is then put back as it is now.
  int CloneWithFiles(const std::function<int()>& body);
  /// Starts a request's process, a sibling of the running one, which waits until it has executed its program
  /// or ended (vfork). Returns its pid.
  int Clone(int (*body)(void*), void* argument, int& pidfd);
  /// The running process becomes a program.
  void Execute(std::string_view query);
  [[noreturn]] void Exit(int code);
  int Install(FileRef file);
  /// Where the weather says so, leases were lent nearly 2^24 times, and connections have made nearly 2^32
  /// steps when they begin.
  void StartNearTheWrap(LeaseTable& table);
  void StartNearTheWrap(std::uint32_t slot);
  /// 0 or an errno.
  int Signal(int pid, int signal);
  [[nodiscard]] Process* Find(int pid) const;
  /// The child has executed or ended: its parent goes on.
  [[nodiscard]] bool VforkOver(int child) const;

  // ---- for the scheduler
  Process& Spawn(Process::Kind kind, std::function<int()> body, int parent);
  void Kill(Process& process, int signal);
  /// The next slice of a process.
  void Run(Process& process);
  /// A process that is on its way out goes on: closes a descriptor, or becomes a zombie.
  void GoOnDying(Process& process);
  /// The memory of those that have ended.
  void Bury();
  /// From here on nothing goes wrong any more.
  void Calm();

 private:
  void DeliverSignals();
  void MayHitSelf();
  void KillLender();
  void LeaveChildren(const Process& dead);
  /// Runs a new process until it sleeps or executes or ends.
  void RunNested(Process& child);

  std::string failure_;
  std::uint64_t slice_ = 0;
  int next_pid_ = 100;
  int next_fd_ = 1'000'000;
  bool starting_ = false;  // a new worker runs within its parent's fork
};

}  // namespace hydrapool::simulation
