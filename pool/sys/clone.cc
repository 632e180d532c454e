#include "pool/sys/clone.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>

namespace hydrapool::sys {

#if defined(__x86_64__)
// glibc 2.36 has no clone3 of its own to call. The child begins behind the system call, on its own stack and
// with the caller's registers.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) pid_t CloneClearingHandlers(
    int (*run)(void*), void* argument, void* stack, std::size_t size, unsigned long flags, int* pidfd,
    int cgroup) {
  clone_args args{};
  args.flags = flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  if (cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(cgroup);
  }
  args.pidfd = reinterpret_cast<std::uint64_t>(pidfd);
  args.exit_signal = (flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD;  // else its caller's own
  args.stack = reinterpret_cast<std::uint64_t>(stack);
  args.stack_size = size;
  long result = SYS_clone3;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "mov %[argument], %%rdi\n\t"
      "mov %[run], %%rax\n\t"
      "xor %%ebp, %%ebp\n\t"  // the outermost frame; either may have been in it
      "call *%%rax\n\t"
      "hlt\n"
      "1:"
      : "+a"(result)
      : "D"(&args), "S"(sizeof args), [argument] "r"(argument), [run] "r"(run)
      : "rcx", "r11", "memory", "cc");
  if (result >= 0) return static_cast<pid_t>(result);
  errno = static_cast<int>(-result);
  return -1;
}
#else
pid_t CloneClearingHandlers(int (*)(void*), void*, void*, std::size_t, unsigned long, int*, int) {
  errno = ENOSYS;
  return -1;
}
#endif

}  // namespace hydrapool::sys
