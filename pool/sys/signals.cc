#include "pool/sys/signals.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "pool/sys/error.h"

namespace hydrapool::sys {
namespace {

std::atomic<int> g_write_end{-1};
std::atomic<Nanos> g_child_stamp{0};
std::atomic<std::uint64_t> g_in_pipe{0};  // bit: signal - 1
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

std::uint64_t Bit(int signal) { return std::uint64_t{1} << (signal - 1); }

void OnSignal(int signal) {
  const int saved = errno;
  if (signal == SIGCHLD) {
    Nanos none = 0;
    g_child_stamp.compare_exchange_strong(none, Now());
  }
  if ((g_in_pipe.fetch_or(Bit(signal)) & Bit(signal)) == 0) {  // one byte of each, so there is always room
    const auto byte = static_cast<unsigned char>(signal);
    [[maybe_unused]] const auto ignored = ::write(g_write_end.load(), &byte, 1);
  }
  errno = saved;
}

}  // namespace

SignalEvents::SignalEvents(EventLoop& loop, std::initializer_list<int> signals,
                           std::function<void(int)> callback)
    : callback_(std::move(callback)) {
  if (g_write_end.load() >= 0) std::abort();  // one at a time: see the header
  std::array<int, 2> ends;
  Check(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), "pipe2");
  read_.Reset(ends[0]);
  g_in_pipe = 0;
  g_write_end = ends[1];
  watch_ = loop.Add(read_.get(), EPOLLIN, [this](std::uint32_t) { Drain(); });
  sigset_t handled;
  sigemptyset(&handled);
  for (const int signal : signals) {
    sigaddset(&handled, signal);
    struct sigaction action {};
    action.sa_handler = OnSignal;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    struct sigaction before;
    Check(::sigaction(signal, &action, &before), "sigaction");
    installed_.push_back({signal, before});
  }
  ::pthread_sigmask(SIG_UNBLOCK, &handled, nullptr);  // our starter may have blocked them
}

SignalEvents::~SignalEvents() {
  for (const auto& [signal, before] : installed_) ::sigaction(signal, &before, nullptr);
  watch_.Reset();
  ::close(g_write_end.exchange(-1));
}

void SignalEvents::Drain() {
  std::array<unsigned char, NSIG> bytes;
  const auto count = ::read(read_.get(), bytes.data(), bytes.size());
  for (ssize_t i = 0; i < count; ++i) {
    const unsigned char signal = bytes[static_cast<std::size_t>(i)];
    g_in_pipe.fetch_and(~Bit(signal));  // one that comes from here on is called back again
    callback_(signal);
  }
}

void SignalEvents::ForgetInChild() {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action;
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == OnSignal)
      ::signal(signal, SIG_DFL);
  }
  g_write_end = -1;
  g_child_stamp = 0;
  g_in_pipe = 0;
}

namespace {

// One that is ignored already stays so: to ignore it again would discard it where it is blocked and pending,
// for the program that this one has followed.
void Ignore(int signal) {
  struct sigaction now {};
  if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) return;
  ::signal(signal, SIG_IGN);
}

}  // namespace

void IgnoreStraySignals() {
  constexpr std::array ignored{SIGHUP,  SIGPIPE, SIGUSR1, SIGUSR2,   SIGALRM, SIGVTALRM,
                               SIGPROF, SIGIO,   SIGPWR,  SIGSTKFLT, SIGXFSZ};
  for (const int signal : ignored) Ignore(signal);
  // The raw call, for glibc keeps 32 and 33 to itself; a kernel sigaction begins with the handler.
  const std::array<unsigned long, 8> ignore{reinterpret_cast<unsigned long>(SIG_IGN)};
  for (int signal = 32; signal < NSIG; ++signal)
    ::syscall(SYS_rt_sigaction, signal, &ignore, nullptr, NSIG / 8);
}

std::uint64_t IgnoredSignals() {
  std::uint64_t ignored = 0;
  for (int signal = 1; signal < NSIG; ++signal) {
    std::array<unsigned long, 8> now{};
    if (::syscall(SYS_rt_sigaction, signal, nullptr, &now, NSIG / 8) == 0 &&
        now[0] == reinterpret_cast<unsigned long>(SIG_IGN))
      ignored |= Bit(signal);
  }
  return ignored;
}

// 32 and 33 are glibc's own, and stay as they are.
void CatchIgnoredSignals() {
  const std::uint64_t ignored = IgnoredSignals();
  for (int signal = 1; signal < NSIG; ++signal) {
    if ((ignored & Bit(signal)) == 0) continue;
    struct sigaction action {};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, nullptr);
  }
}

Nanos SignalEvents::TakeChildStamp() { return g_child_stamp.exchange(0); }

}  // namespace hydrapool::sys
