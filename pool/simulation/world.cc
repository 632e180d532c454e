#include "pool/simulation/world.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "pool/shared/lease.h"
#include "pool/shared/lease_table.h"
#include "pool/supervisor/supervisor.h"
#include "pool/sys/signals.h"

namespace hydrapool::simulation {

World* World::current = nullptr;

World::World(std::uint64_t seed, const Weather& of, std::size_t events, Fault fault)
    : random(seed), weather(of), trace(events), faults(*this, fault) {
  if (current != nullptr) std::abort();
  current = this;
}

World::~World() {
  processes.clear();
  connections.clear();
  current = nullptr;
}

void World::Fail(std::string what) {
  const Heap::Outside outside;
  if (failure_.empty()) failure_ = std::string(what);
}

Process* World::Find(int pid) const {
  for (const auto& process : processes) {
    if (process->pid == pid && process->state != Process::State::kReaped) return process.get();
  }
  return nullptr;
}

int World::Install(FileRef file) {
  const int fd = next_fd_++;
  self->files().emplace(fd, std::move(file));
  return fd;
}

void World::Pass(const char* what, std::int64_t a, std::int64_t b) {
  const Heap::Outside outside;
  ++steps;
  now += static_cast<Nanos>(500 + random.Below(20'000));
  trace.Add(steps, self->pid, what, a, b);
  MayHitSelf();
  if (!self->running()) Fiber::Yield();  // for good
  if (!starting_ && (slice_ == 0 || slice_-- == 0)) Fiber::Yield();
  DeliverSignals();
}

void World::BeforeSwap(const char* what) {
  if (!starting_ && random.OneIn(weather.hold)) {
    constexpr std::uint64_t kLongest[]{100, 400, 3'000};
    self->waits.held_until = steps + random.Below(kLongest[random.Below(std::size(kLongest))]);
    slice_ = 0;
    if (weather.death != 0 && random.OneIn(2)) KillLender();
  }
  Pass(what);
}

// Who waits in vfork may die there; what it has started goes on.
void World::KillLender() {
  Process* const lender = self->memory_of != 0 ? Find(self->memory_of) : nullptr;
  if (lender == nullptr || !lender->running()) return;
  ++deaths;
  Kill(*lender, SIGKILL);
}

void World::MayHitSelf() {
  constexpr std::uint64_t kMostParents = Supervisor::kMostFailures - 1;  // it gives up after one more
  if (self->kind == Process::Kind::kParent && parent_deaths < kMostParents &&
      random.OneIn(weather.parent_death)) {
    ++parent_deaths;
    return Kill(*self, SIGKILL);
  }
  if (self->memory_of != 0 && random.OneIn(weather.death)) KillLender();
  if (self->kind != Process::Kind::kWorker) return;
  const bool old = weather.lifetime != 0 && now > self->started_at + weather.lifetime;
  if (old || random.OneIn(weather.death)) {
    ++deaths;
    Kill(*self, SIGKILL);
  } else if (random.OneIn(weather.leave)) {
    Signal(self->pid, SIGTERM);
  } else if (!starting_ && random.OneIn(weather.freeze)) {
    self->waits.frozen_until = now + static_cast<Nanos>(random.Below(3 * sys::kSecond));
    slice_ = 0;
  }
}

void World::DeliverSignals() {
  while (self->signals.Due()) {
    const int signal = 1 + __builtin_ctzll(self->signals.pending & ~self->signals.blocked);
    self->signals.pending &= ~(std::uint64_t{1} << (signal - 1));
    const sighandler_t handler = self->signals.handlers[static_cast<std::size_t>(signal)];
    if (handler == SIG_IGN || (handler == SIG_DFL && signal == SIGCHLD)) continue;
    if (handler == SIG_DFL) {
      Kill(*self, signal);
      Fiber::Yield();
    }
    // What a handler of sys/signals.cc does, whose pipe the process has and not the program.
    const auto byte = static_cast<char>(signal);
    if (const FileRef pipe = self->file(self->signals.pipe)) pipe->Write(&byte, 1);
  }
}

void World::Sleep(const Epoll& epoll, Nanos until) {
  const Heap::Outside outside;
  self->waits.epoll = &epoll;
  self->waits.until = until;
  Fiber::Yield();
  self->waits.epoll = nullptr;
}

void World::SleepForSignals(std::uint64_t mask, Nanos until) {
  const Heap::Outside outside;
  self->waits.signals = mask;
  self->waits.until = until;
  Fiber::Yield();
  self->waits.signals = 0;
}

Process& World::Spawn(Process::Kind kind, std::function<int()> body, int parent) {
  const Heap::Outside outside;
  auto process = std::make_unique<Process>();
  Process& made = *process;
  made.pid = next_pid_++;
  made.kind = kind;
  made.parent = parent;
  made.started_at = now;
  made.fiber = std::make_unique<Fiber>([this, &made, body = std::move(body)] {
    Heap::current = &made.heap;
    Exit(body());
  });
  processes.push_back(std::move(process));
  return made;
}

int World::Fork(const std::function<int()>& body, std::byte* stack_below) {
  const Heap::Outside outside;
  Process& forker = *self;
  Process& child = Spawn(
      Process::Kind::kWorker,
      [&body] {
        sys::SignalEvents::ForgetInChild();
        return body();
      },
      forker.pid);
  child.files() = forker.files();
  child.signals.handlers = forker.signals.handlers;
  child.signals.blocked = forker.signals.blocked;
  // The child runs on its own stack, but in the forker's memory, until it sleeps for the first time: then it
  // has taken what it needs. What it has changed of the forker's memory is put back.
  const std::span<std::byte> used = forker.fiber->StackAbove(stack_below);
  const std::vector<std::byte> stack = CopyOf(used);
  Process* const below = forker.kind == Process::Kind::kParent ? Find(forker.parent) : nullptr;
  forker.heap.Save();
  if (below != nullptr) below->heap.Save();
  RunNested(child);
  if (below != nullptr) below->heap.Restore();
  forker.heap.Restore();
  CopyBack(stack, used);
  return child.pid;
}

int World::CloneWithFiles(const std::function<int()>& body) {
  const Heap::Outside outside;
  Process& cloner = *self;
  Process& child = Spawn(
      Process::Kind::kParent,
      [body] {
        sys::SignalEvents::ForgetInChild();
        return body();
      },
      cloner.pid);
  child.table = cloner.table;
  child.signals.handlers = cloner.signals.handlers;
  child.signals.blocked = cloner.signals.blocked;
  cloner.heap.Save();
  return child.pid;
}

void World::RunNested(Process& child) {
  Process* const before = std::exchange(self, &child);
  const bool starting = std::exchange(starting_, true);
  child.fiber->Resume();
  starting_ = starting;
  self = before;
}

int World::Clone(int (*body)(void*), void* argument, int& pidfd) {
  Process& cloner = *self;
  Process& child = Spawn(
      Process::Kind::kProgram, [=] { return body(argument); }, cloner.parent);
  child.files() = cloner.files();
  child.memory_of = cloner.pid;
  auto file = std::make_shared<ProcessFile>(child.pid);
  child.pidfds.push_back(file);
  pidfd = Install(std::move(file));
  const int pid = child.pid;
  for (cloner.waits.child = pid; !VforkOver(pid);) Fiber::Yield();
  cloner.waits.child = 0;
  return pid;
}

bool World::VforkOver(int child) const {
  const Process* const process = Find(child);
  return process == nullptr || process->memory_of == 0 || !process->running();
}

void World::Execute(std::string_view query) {
  self->memory_of = 0;
  self->program = std::make_unique<Program>(*this, *self, query);
  if (++executed[std::string(query)] > 1) Fail("the program for " + std::string(query) + " ran again");
  std::size_t programs = 0;
  for (const auto& each : processes) {
    if (each->program != nullptr && each->state != Process::State::kReaped) ++programs;
  }
  if (programs > most_programs) Fail(std::to_string(programs) + " programs at once");
  Fiber::Yield();
}

void World::StartNearTheWrap(LeaseTable& table) {
  faults.FoundTable(table);
  if (!weather.near_wrap) return;
  for (std::size_t slot = 0; slot < table.size(); ++slot) {
    const auto lent = static_cast<std::uint32_t>(random.Below(30));
    table.lease(slot).word.store(LeaseWord{.generation = LeaseWord::kGenerationMask - lent}.Pack());
  }
}

void World::StartNearTheWrap(std::uint32_t slot) {
  Lease* const lease = faults.LeaseOf(slot);
  if (!weather.near_wrap || lease == nullptr) return;
  LeaseWord word = lease->Load();
  word.steps = UINT32_MAX - static_cast<std::uint32_t>(random.Below(6));
  lease->word.store(word.Pack());
}

void World::Run(Process& process) {
  self = &process;
  slice_ = random.Below(weather.slice);
  Heap* const before = std::exchange(Heap::current, nullptr);
  process.fiber->Resume();
  Heap::current = before;
  self = nullptr;
}

void World::Calm() {
  weather.death = weather.leave = weather.freeze = weather.parent_death = 0;
  for (const auto& connection : connections) connection->Calm();
  for (const auto& process : processes) process->waits.frozen_until = 0;
}

}  // namespace hydrapool::simulation
