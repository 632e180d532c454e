#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>

#include "harness/fault/process_tree.h"
#include "pool/sys/child.h"
#include "pool/sys/error.h"

/// Processes for tests to hurt.
namespace hydrapool::harness {

inline int SleepForEver() {
  for (;;) ::pause();
}

inline bool IsAlive(pid_t pid) {
  const auto process = ReadProcess(pid);
  return process && process->alive();
}

/// A parent of two sleepers, as a pool is to this process; the sleepers die with it.
struct Family {
  Family() {
    std::array<int, 2> ready;
    sys::Check(::pipe(ready.data()), "pipe");
    parent = sys::Child::Fork([&] {
      const pid_t self = ::getpid();
      for (int i = 0; i < 2; ++i) {
        if (::fork() != 0) continue;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != self) ::_exit(0);
        sys::Check(::write(ready[1], "x", 1), "write");
        SleepForEver();
      }
      return SleepForEver();
    });
    char byte;
    for (int i = 0; i < 2; ++i) sys::Check(::read(ready[0], &byte, 1), "read");
    ::close(ready[0]);
    ::close(ready[1]);
  }
  sys::Child parent;
};

}  // namespace hydrapool::harness
