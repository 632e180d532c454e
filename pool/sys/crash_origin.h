#pragma once

#include <array>
#include <atomic>
#include <csignal>

namespace hydrapool::sys {

/// The signals by which a process ends that has crashed or come to a limit of its CPU time.
inline constexpr std::array kCrashSignals{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP, SIGXCPU};

/// From here on `from_outside` is set when another process sends this one such a signal: it ends by it all
/// the same, and as it would have. One for each process; it must last as long as that does. Of children that
/// it forks nothing is noted, nor where somebody installs a handler of their own later: that is theirs.
///
/// Source: sigaction(2), "The siginfo_t argument to a SA_SIGINFO handler"; what the kernel or the process
/// itself raises has a positive si_code or its own pid.
void NoteCrashesFromOutside(std::atomic<bool>& from_outside);

}  // namespace hydrapool::sys
