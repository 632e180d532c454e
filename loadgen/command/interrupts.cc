#include "loadgen/command/interrupts.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "loadgen/command/exit_code.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {
namespace {

std::atomic<int> g_event{-1};
std::atomic<bool> g_came{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void OnSignal(int) {
  if (g_came.exchange(true)) ::_exit(kInterruptedTwice);
  const int saved = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(g_event, &one, sizeof one);
  errno = saved;
}

}  // namespace

Interrupts::Interrupts() : event_(sys::Check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  if (g_event >= 0) std::abort();  // one at a time: see the header
  g_came = false;
  g_event = event_.get();
  sigset_t handled;
  sigemptyset(&handled);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    struct sigaction action {};
    action.sa_handler = OnSignal;
    action.sa_flags = SA_RESTART;  // what is being written stays whole
    sys::Check(::sigaction(kSignals.at(i), &action, &before_.at(i)), "sigaction");
    sigaddset(&handled, kSignals.at(i));
  }
  ::pthread_sigmask(SIG_UNBLOCK, &handled, nullptr);  // our starter may have blocked them
}

Interrupts::~Interrupts() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals.at(i), &before_.at(i), nullptr);
  g_event = -1;
}

}  // namespace hydrapool::loadgen
