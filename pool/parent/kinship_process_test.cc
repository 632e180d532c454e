#include "pool/parent/kinship.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "pool/sys/error.h"
#include "pool/sys/kill.h"

namespace hydrapool {
namespace {

/// What a parent says of a program that its supervisor has started.
struct Seen {
  pid_t supervisor = 0;
  pid_t parent = 0;
  pid_t program = 0;
  Kin kin = Kin::kNone;
  bool ended_untold = true;
};

Seen Look(const Kinship& kinship, const Seen& family) {
  Seen seen = family;
  seen.kin = kinship.Of(family.program);
  seen.ended_untold = kinship.EndedUntold(family.program);
  return seen;
}

void Say(int said, const Seen& seen) {
  if (::write(said, &seen, sizeof seen) != sizeof seen) ::_exit(1);
}

/// Before the supervisor's death, and between that and the next supervisor.
[[noreturn]] void ServeAsParent(Seen family, int said) {
  family.parent = ::getpid();
  sigset_t death;
  sigemptyset(&death);
  sigaddset(&death, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &death, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGCHLD);
  const auto life = std::make_unique<PoolLife>();
  life->supervisor = family.supervisor;
  const Kinship kinship(*life);
  Say(said, Look(kinship, family));
  int signal = 0;
  while (::getppid() == family.supervisor) ::sigwait(&death, &signal);
  Say(said, Look(kinship, family));
  ::_exit(0);
}

[[noreturn]] void Supervise(int said) {
  Seen family{.supervisor = ::getpid()};
  family.program = ::fork();
  if (family.program != 0 && ::fork() == 0) ServeAsParent(family, said);
  for (;;) ::pause();
}

Seen Hear(int from) {
  Seen seen;
  EXPECT_EQ(::read(from, &seen, sizeof seen), static_cast<ssize_t>(sizeof seen));
  return seen;
}

// As under a shell: who has started the supervisor is not who inherits from it, and does not reap it at once.
TEST(KinshipTest, AProgramWhoseSupervisorHasJustDiedHasNotEnded) {
  std::array<int, 2> ends;
  sys::Check(::pipe(ends.data()), "pipe");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t starter = ::fork();
  if (starter == 0) {
    if (::fork() == 0) Supervise(ends[1]);
    for (;;) ::pause();
  }
  ::close(ends[1]);

  const Seen before = Hear(ends[0]);
  EXPECT_EQ(before.kin, Kin::kSupervisors);
  EXPECT_FALSE(before.ended_untold);
  sys::Kill(before.supervisor, SIGKILL);
  const Seen after = Hear(ends[0]);
  EXPECT_EQ(after.kin, Kin::kOrphan);
  EXPECT_FALSE(after.ended_untold) << "a program that runs is taken for one that has ended";

  sys::Kill(starter, SIGKILL);
  sys::Kill(after.program, SIGKILL);
  for (const pid_t child : {starter, after.program, after.parent, after.supervisor})
    EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  ::close(ends[0]);
}

}  // namespace
}  // namespace hydrapool
