// System calls about processes, signals and time; and three functions of the pool itself.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <cstdarg>
#include <cstdlib>
#include <functional>
#include <utility>

#include "pool/simulation/faults.h"
#include "pool/simulation/system_call.h"
#include "pool/sys/child.h"
#include "pool/sys/tcp_self_test.h"

using namespace hydrapool;
using namespace hydrapool::simulation;

namespace {

// What the running call of Child::Fork is to start.
const std::function<int()>* g_body = nullptr;
std::byte* g_frame = nullptr;

Process* FindZombie(const World& world, idtype_t type, id_t id) {
  int pid = type == P_PID ? static_cast<int>(id) : 0;
  if (type == P_PIDFD) {
    const auto file = std::dynamic_pointer_cast<ProcessFile>(world.self->file(static_cast<int>(id)));
    if (file == nullptr) return nullptr;
    pid = file->pid;
  }
  for (const auto& process : world.processes) {
    if (process->parent == world.self->pid && process->state == Process::State::kZombie &&
        (pid == 0 || process->pid == pid))
      return process.get();
  }
  return nullptr;
}

bool HasChild(const World& world, idtype_t type, id_t id) {
  if (type == P_PIDFD) return true;
  for (const auto& process : world.processes) {
    if (process->parent == world.self->pid && process->state != Process::State::kReaped &&
        (type == P_ALL || process->pid == static_cast<int>(id)))
      return true;
  }
  return false;
}

int Wait(Call& call, idtype_t type, id_t id, siginfo_t* info, int options) {
  Process* zombie = FindZombie(call.world, type, id);
  if (zombie == nullptr && !HasChild(call.world, type, id)) return -ECHILD;
  while (zombie == nullptr && (options & WNOHANG) == 0) {
    call.world.Pass("waits");
    zombie = FindZombie(call.world, type, id);
  }
  *info = {};
  if (zombie == nullptr) return 0;
  info->si_pid = zombie->pid;
  info->si_code = zombie->exit_signal != 0 ? CLD_KILLED : CLD_EXITED;
  info->si_status = zombie->exit_signal != 0 ? zombie->exit_signal : zombie->exit_code;
  if ((options & WNOWAIT) == 0) zombie->state = Process::State::kReaped;
  return 0;
}

void CloseRange(Process& process, long first, long last) {
  std::erase_if(process.files(), [=](const auto& each) { return each.first >= first && each.first <= last; });
}

int OpenPidfd(World& world, int pid) {
  Process* const process = world.Find(pid);
  if (process == nullptr) return -ESRCH;
  auto file = std::make_shared<ProcessFile>(pid);
  process->pidfds.push_back(file);
  if (process->state == Process::State::kZombie) file->Die();
  return world.Install(std::move(file));
}

int Negated(int result) { return result < 0 ? -errno : result; }

long SystemCall(Call& call, long number, const long* a) {
  World& world = call.world;
  switch (number) {
    case SYS_close_range:
      CloseRange(*world.self, a[0], static_cast<unsigned>(a[1]) == ~0u ? INT32_MAX : a[1]);
      return 0;
    case SYS_pidfd_open:
      return OpenPidfd(world, static_cast<int>(a[0]));
    case SYS_pidfd_send_signal: {
      const auto file = call.Get<ProcessFile>(static_cast<int>(a[0]));
      return file ? -world.Signal(file->pid, static_cast<int>(a[1])) : -EBADF;
    }
    case SYS_clone:
      return world.CloneWithFiles(world.parent_to_be);
    case SYS_rt_sigprocmask:
      return 0;
    case SYS_openat2:
      return Negated(OpenBelow(static_cast<int>(a[0]), reinterpret_cast<const char*>(a[1]),
                               reinterpret_cast<const void*>(a[2]), static_cast<std::size_t>(a[3])));
    default:
      std::abort();  // the shipped code makes a call that the simulation does not know yet
  }
}

void SetMask(Process& process, int how, const sigset_t* set) {
  if (set == nullptr) return;
  std::uint64_t bits = 0;
  for (int signal = 1; signal < 64; ++signal) {
    if (::sigismember(set, signal) == 1) bits |= std::uint64_t{1} << (signal - 1);
  }
  if (how == SIG_BLOCK) process.signals.blocked |= bits;
  if (how == SIG_UNBLOCK) process.signals.blocked &= ~bits;
  if (how == SIG_SETMASK) process.signals.blocked = bits;
}

void GetMask(const Process& process, sigset_t* set) {
  if (set == nullptr) return;
  ::sigemptyset(set);
  for (int signal = 1; signal < 64; ++signal) {
    if ((process.signals.blocked >> (signal - 1) & 1) != 0) ::sigaddset(set, signal);
  }
}

}  // namespace

extern "C" {

using Body = std::function<int()>;
sys::Child __real__ZN9hydrapool3sys5Child4ForkERKSt8functionIFivEE(const Body& body);
sys::Child __wrap__ZN9hydrapool3sys5Child4ForkERKSt8functionIFivEE(const Body& body) {
  g_body = &body;
  g_frame = static_cast<std::byte*>(__builtin_frame_address(0));
  return __real__ZN9hydrapool3sys5Child4ForkERKSt8functionIFivEE(body);
}

pid_t __real_fork();
pid_t __wrap_fork() {
  if (!Simulated()) return __real_fork();
  Call call("fork");
  return call.world.Fork(*g_body, g_frame);
}

void __real__exit(int code);
void __wrap__exit(int code) {
  if (!Simulated()) __real__exit(code);
  World::current->Exit(code);
}

pid_t __real_getpid();
pid_t __wrap_getpid() { return Simulated() ? World::current->self->pid : __real_getpid(); }
pid_t __real_getppid();
pid_t __wrap_getppid() { return Simulated() ? World::current->self->parent : __real_getppid(); }

int __real_kill(pid_t pid, int signal);
int __wrap_kill(pid_t pid, int signal) {
  if (!Simulated()) return __real_kill(pid, signal);
  const Call call("kill", pid, signal);
  return Returned(-call.world.Signal(pid < 0 ? -pid : pid, signal));
}

int __real_waitid(idtype_t type, id_t id, siginfo_t* info, int options);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t* info, int options) {
  if (!Simulated()) return __real_waitid(type, id, info, options);
  Call call("waitid", id, options);
  return Returned(Wait(call, type, id, info, options));
}

int __real_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int __wrap_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  return Simulated() ? 0 : __real_prctl(option, a, b, c, d);
}

using SignalAction = struct sigaction;
int __real_sigaction(int signal, const SignalAction* action, SignalAction* before);
int __wrap_sigaction(int signal, const SignalAction* action, SignalAction* before) {
  if (!Simulated()) return __real_sigaction(signal, action, before);
  Process& self = *World::current->self;
  sighandler_t& handler = self.signals.handlers[static_cast<std::size_t>(signal)];
  if (before != nullptr) *before = {};
  if (before != nullptr) before->sa_handler = handler;
  if (action != nullptr) handler = action->sa_handler;
  if (action != nullptr && handler != SIG_DFL && handler != SIG_IGN)
    self.signals.pipe = self.signals.newest_pipe;
  return 0;
}
sighandler_t __real_signal(int signal, sighandler_t handler);
sighandler_t __wrap_signal(int signal, sighandler_t handler) {
  if (!Simulated()) return __real_signal(signal, handler);
  return std::exchange(World::current->self->signals.handlers[static_cast<std::size_t>(signal)], handler);
}

int __real_pthread_sigmask(int how, const sigset_t* set, sigset_t* before);
int __wrap_pthread_sigmask(int how, const sigset_t* set, sigset_t* before) {
  if (!Simulated()) return __real_pthread_sigmask(how, set, before);
  GetMask(*World::current->self, before);
  SetMask(*World::current->self, how, set);
  return 0;
}
int __real_sigprocmask(int how, const sigset_t* set, sigset_t* before);
int __wrap_sigprocmask(int how, const sigset_t* set, sigset_t* before) {
  return Simulated() ? __wrap_pthread_sigmask(how, set, before) : __real_sigprocmask(how, set, before);
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...) {
  long a[5];
  va_list list;
  va_start(list, number);
  for (long& each : a) each = va_arg(list, long);
  va_end(list);
  if (!Simulated()) return __real_syscall(number, a[0], a[1], a[2], a[3], a[4]);
  if (number == SYS_rt_sigaction) return 0;  // of each signal
  Call call("syscall", number, a[0]);
  return Returned(SystemCall(call, number, a));
}

int __real_clock_gettime(clockid_t clock, timespec* time);
int __wrap_clock_gettime(clockid_t clock, timespec* time) {
  if (!Simulated()) return __real_clock_gettime(clock, time);
  const Nanos now = World::current->now;
  *time = {now / sys::kSecond, now % sys::kSecond};
  return 0;
}

// hydrapool::sys::VerifyTcpCounters: this kernel's counters are what the simulation is about.
std::string __wrap__ZN9hydrapool3sys17VerifyTcpCountersB5cxx11ERKNS0_9TcpCountsE(const sys::TcpCounts&) {
  return "";
}

// hydrapool::sys::PassFailpoint
bool __real__ZN9hydrapool3sys13PassFailpointEPKc(const char* name);
bool __wrap__ZN9hydrapool3sys13PassFailpointEPKc(const char* name) {
  if (!Simulated()) return __real__ZN9hydrapool3sys13PassFailpointEPKc(name);
  World::current->Pass(name);
  World::current->faults.AtFailpoint(name);
  return false;
}

// hydrapool::sys::PassStorePoint
void __wrap__ZN9hydrapool3sys14PassStorePointEPKcPKv(const char* name, const void* place) {
  if (!Simulated()) return;
  World& world = *World::current;
  const bool own = std::string_view(name) == "worker.store";  // nobody else stores there
  world.faults.AtStorePoint(name, place, [&] { own ? world.Pass(name) : world.BeforeSwap(name); });
}

}  // extern "C"
