#include "pool/sys/crash_origin.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace hydrapool::sys {
namespace {

std::atomic<bool>* g_from_outside = nullptr;
pid_t g_process = 0;
std::array<struct sigaction, NSIG> g_before{};

// What was there before has the last word: a fault comes again when this returns, and what was sent is sent
// again.
void OnCrash(int signal, siginfo_t* info, void*) {
  const pid_t self = ::getpid();
  const bool sent = info->si_code <= 0;
  if (sent && info->si_pid != self && self == g_process) g_from_outside->store(true);
  ::sigaction(signal, &g_before[static_cast<std::size_t>(signal)], nullptr);
  if (sent) ::syscall(SYS_tgkill, self, ::gettid(), signal);
}

}  // namespace

void NoteCrashesFromOutside(std::atomic<bool>& from_outside) {
  g_from_outside = &from_outside;
  g_process = ::getpid();
  struct sigaction action {};
  action.sa_sigaction = OnCrash;
  action.sa_flags = SA_SIGINFO;
  for (const int signal : kCrashSignals) {
    auto& before = g_before[static_cast<std::size_t>(signal)];
    if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
      ::sigaction(signal, &action, nullptr);
  }
}

}  // namespace hydrapool::sys
