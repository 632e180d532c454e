#include "harness/fault/injector.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "harness/fault/process_tree.h"
#include "harness/fault/worker_kind.h"
#include "harness/testing/family.h"
#include "pool/sys/child.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool::harness {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using testing::UnorderedElementsAreArray;

std::vector<sys::Child> Sleepers(std::size_t count) {
  std::vector<sys::Child> children;
  for (std::size_t i = 0; i < count; ++i) children.push_back(sys::Child::Fork(SleepForEver));
  return children;
}

std::vector<pid_t> PidsOf(const std::vector<sys::Child>& children) {
  std::vector<pid_t> pids;
  for (const auto& child : children) pids.push_back(child.pid());
  return pids;
}

std::vector<pid_t> PidsOf(const std::vector<ProcessView>& workers) {
  std::vector<pid_t> pids;
  for (const auto& worker : workers) pids.push_back(worker.identity.pid);
  return pids;
}

TEST(ProcessTreeTest, SeesItsForksButNotWhatRunsAnotherProgram) {
  const auto children = Sleepers(2);
  const auto other = sys::Child::Fork([]() -> int { return ::execl("/bin/sleep", "sleep", "600", nullptr); });
  while (ReadProcess(other.pid())->comm != "sleep") ::sched_yield();
  EXPECT_THAT(ChildrenOf(::getpid()), SizeIs(3));
  EXPECT_THAT(PidsOf(ForksOf(::getpid()).workers), UnorderedElementsAreArray(PidsOf(children)));
}

TEST(ProcessTreeTest, AProgramWhoseFileWasReplacedIsTheSameStill) {
  const sys::ScratchDir scratch("harness-tree");
  const std::string file = scratch / "program";
  std::filesystem::copy_file("/bin/sleep", file);
  const auto child =
      sys::Child::Fork([&file]() -> int { return ::execl(file.c_str(), "program", "600", nullptr); });
  while (ReadProcess(child.pid())->comm != "program") ::sched_yield();
  std::filesystem::remove(file);
  EXPECT_EQ(ReadProgram(child.pid())->file, file);
}

TEST(ProcessTreeTest, AncestorsStartWithTheProcessItself) {
  const auto line = WithAncestors(::getpid());
  ASSERT_GE(line.size(), 2u);
  EXPECT_EQ(line[0], ::getpid());
  EXPECT_EQ(line[1], ::getppid());
}

TEST(StrikeTest, KillsAChildAndReportsOnItsPidfd) {
  const auto child = sys::Child::Fork(SleepForEver);
  const auto blow = Injector(::getpid()).Strike(ReadProcess(child.pid())->identity, Fault::kKill);
  ASSERT_TRUE(blow) << blow.error().message;
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(info.si_status, SIGKILL);
}

TEST(StrikeTest, RefusesANumberThatStandsForAnotherProcessByNow) {
  const auto child = sys::Child::Fork(SleepForEver);
  Identity seen = ReadProcess(child.pid())->identity;
  --seen.start_time;
  EXPECT_THAT(Injector(::getpid()).Strike(seen, Fault::kKill).error().message,
              HasSubstr("another process by now"));
  EXPECT_TRUE(IsAlive(child.pid()));
}

TEST(StrikeTest, RefusesAStrangersChild) {
  const Family family;
  const auto strangers = Sleepers(1);
  const pid_t stranger = strangers.front().pid();
  const auto blow = Injector(family.parent.pid()).Strike(ReadProcess(stranger)->identity, Fault::kKill);
  ASSERT_FALSE(blow);
  EXPECT_THAT(blow.error().message, HasSubstr("is not a child of"));
  EXPECT_TRUE(IsAlive(stranger));
}

TEST(StrikeTest, RefusesItselfItsAncestorsAndWhatIsNoProcess) {
  const auto self = ReadProcess(::getpid())->identity;
  const auto above = ReadProcess(::getppid())->identity;
  EXPECT_THAT(Injector(::getppid()).Strike(self, Fault::kTerm).error().message, HasSubstr("itself"));
  EXPECT_THAT(Injector(ReadProcess(above.pid)->parent).Strike(above, Fault::kTerm).error().message,
              HasSubstr("ancestor"));
  for (const pid_t pid : {1, 0, -1}) {
    EXPECT_THAT(Injector(0).Strike({.pid = pid, .start_time = 0}, Fault::kTerm).error().message,
                HasSubstr("never a target"));
  }
}

TEST(StrikeTest, RefusesTheDead) {
  const auto child = sys::Child::Fork([] { return 0; });
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);
  const auto dead = ReadProcess(child.pid())->identity;
  EXPECT_THAT(Injector(::getpid()).Strike(dead, Fault::kKill).error().message, HasSubstr("already dead"));
}

TEST(StrikeTest, AnotherUsersProcessOnlyByRootThatIsToldSo) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can be two users";
  constexpr uid_t kNobody = 65534;
  const auto child = sys::Child::Fork(
      []() -> int { return ::setresuid(kNobody, kNobody, kNobody) == 0 ? SleepForEver() : 1; });
  while (RealUid(child.pid()) != kNobody) ::sched_yield();
  const auto who = ReadProcess(child.pid())->identity;
  EXPECT_THAT(Injector(::getpid()).Strike(who, Fault::kKill).error().message,
              AllOf(HasSubstr("belongs to another user"), HasSubstr("--any-user")));
  EXPECT_TRUE(IsAlive(child.pid()));
  EXPECT_TRUE(Injector(::getpid(), {.any_user = true}).Strike(who, Fault::kKill));
}

TEST(StrikeTest, TheParentItselfWhereItIsMeant) {
  const Family family;
  Injector injector(family.parent.pid());
  EXPECT_TRUE(injector.Strike(ReadProcess(family.parent.pid())->identity, Fault::kKill));
}

TEST(InjectorTest, OnlyAProcessOfTheServerTakesItsMainProcesssPlace) {
  const Family family;
  const Family stranger;
  Injector injector(family.parent.pid());
  EXPECT_FALSE(injector.Follow(ProcessesOf(family.parent.pid())));
  EXPECT_THAT(*injector.Follow(ProcessesOf(stranger.parent.pid())), HasSubstr("not of the server"));
  EXPECT_EQ(injector.main(), family.parent.pid());
  EXPECT_THAT(*injector.Follow({}), HasSubstr("is gone"));
}

TEST(InjectorTest, TheLastOfParentAndSupervisorIsLeftAlone) {
  const Family family;
  Injector injector(family.parent.pid());
  ServerProcesses one = ProcessesOf(family.parent.pid());
  EXPECT_TRUE(injector.WithoutLastHead(one).parent) << "there never was a supervisor";
  ServerProcesses both = one;
  both.supervisor = both.parent;
  EXPECT_FALSE(injector.Follow(both));
  EXPECT_TRUE(injector.WithoutLastHead(both).parent);
  EXPECT_TRUE(injector.WithoutLastHead(both).supervisor);
  EXPECT_FALSE(injector.WithoutLastHead(one).parent);
  EXPECT_EQ(injector.WithoutLastHead(one).workers.size(), 2u);
}

}  // namespace
}  // namespace hydrapool::harness
