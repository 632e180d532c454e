#include "harness/fault/targets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <utility>
#include <vector>

namespace hydrapool::harness {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ProcessView Worker(pid_t pid, std::int64_t busy = 0, std::int64_t leases = 0) {
  return {.identity = {.pid = pid, .start_time = 1}, .slot = {}, .busy = busy, .leases = leases};
}

TEST(ChooseTargetsTest, NobodyWhereThereIsNobody) {
  for (const Target target :
       {Target::kRandom, Target::kBusiest, Target::kIdle, Target::kOldest, Target::kYoungest, Target::kSlot,
        Target::kAll, Target::kAllButOne, Target::kParent}) {
    EXPECT_THAT(ChooseTargets(target, std::span<const ProcessView>(), 3), IsEmpty());
  }
}

TEST(ChooseTargetsTest, AllMeansEachOnce) {
  const std::array workers{Worker(10), Worker(11), Worker(12)};
  EXPECT_THAT(ChooseTargets(Target::kAll, workers, 3), ElementsAre(workers[0], workers[1], workers[2]));
}

TEST(ChooseTargetsTest, RandomIsDecidedByTheDrawAlone) {
  const std::array workers{Worker(10), Worker(11), Worker(12)};
  EXPECT_THAT(ChooseTargets(Target::kRandom, workers, 4), ElementsAre(workers[1]));
  EXPECT_THAT(ChooseTargets(Target::kRandom, workers, 4), ElementsAre(workers[1]));
  EXPECT_THAT(ChooseTargets(Target::kRandom, workers, 5), ElementsAre(workers[2]));
}

TEST(ChooseTargetsTest, BusiestCountsRequestsBeforeLeases) {
  const std::array workers{Worker(10, 1, 90), Worker(11, 2, 3), Worker(12, 2, 4), Worker(13, 0, 99)};
  EXPECT_THAT(ChooseTargets(Target::kBusiest, workers, 0), ElementsAre(workers[2]));
}

TEST(ChooseTargetsTest, EquallyBusyWorkersAreDrawnAmong) {
  const std::array workers{Worker(10, 2, 5), Worker(11, 1, 5), Worker(12, 2, 5)};
  std::set<pid_t> hit;
  for (std::uint64_t draw = 0; draw < 4; ++draw) {
    hit.insert(ChooseTargets(Target::kBusiest, workers, draw).front().identity.pid);
  }
  EXPECT_THAT(hit, ElementsAre(10, 12));
}

TEST(ChooseTargetsTest, IdleIsOneThatExecutesNothing) {
  const std::array workers{Worker(10, 1, 0), Worker(11, 0, 9), Worker(12, 0, 0)};
  EXPECT_THAT(ChooseTargets(Target::kIdle, workers, 0), ElementsAre(workers[1]));
  EXPECT_THAT(ChooseTargets(Target::kIdle, workers, 1), ElementsAre(workers[2]));
  EXPECT_THAT(ChooseTargets(Target::kIdle, std::span(workers).first(1), 0), IsEmpty());
}

TEST(ChooseTargetsTest, OldestAndYoungestGoByTheStartTime) {
  std::array workers{Worker(10), Worker(11), Worker(12), Worker(13)};
  for (std::size_t i = 0; i < workers.size(); ++i)
    workers[i].identity.start_time = std::array{5u, 3u, 9u, 3u}[i];
  EXPECT_THAT(ChooseTargets(Target::kYoungest, workers, 7), ElementsAre(workers[2]));
  EXPECT_THAT(ChooseTargets(Target::kOldest, workers, 0), ElementsAre(workers[1]));
  EXPECT_THAT(ChooseTargets(Target::kOldest, workers, 1), ElementsAre(workers[3]));
}

TEST(ChooseTargetsTest, ASlotsWorkerOrNobody) {
  std::array workers{Worker(10), Worker(11)};
  workers[1].slot = 3;
  EXPECT_THAT(ChooseTargets({Target::kSlot, 3}, workers, 0), ElementsAre(workers[1]));
  EXPECT_THAT(ChooseTargets({Target::kSlot, 2}, workers, 0), IsEmpty());
}

TEST(ChooseTargetsTest, AllButOneSparesTheOneThatIsDrawn) {
  const std::array workers{Worker(10), Worker(11), Worker(12)};
  EXPECT_THAT(ChooseTargets(Target::kAllButOne, workers, 4), ElementsAre(workers[0], workers[2]));
  EXPECT_THAT(ChooseTargets(Target::kAllButOne, std::span(workers).first(1), 4), IsEmpty());
}

TEST(ChooseTargetsTest, TheParentIsNoWorker) {
  const std::array workers{Worker(10)};
  EXPECT_THAT(ChooseTargets(Target::kParent, workers, 0), IsEmpty());
}

ServerProcesses Server(std::vector<ProcessView> workers) {
  return {.supervisor = ProcessView{.identity = {.pid = 2, .start_time = 1}, .role = Role::kSupervisor},
          .parent = ProcessView{.identity = {.pid = 3, .start_time = 1}, .role = Role::kParent},
          .workers = std::move(workers)};
}

TEST(ChooseTargetsTest, AnyIsOneOfAllProcessesOfTheServer) {
  const ServerProcesses server = Server({Worker(10), Worker(11)});
  std::set<pid_t> hit;
  for (std::uint64_t draw = 0; draw < 4; ++draw)
    hit.insert(ChooseTargets(Target::kAny, server, draw).at(0).identity.pid);
  EXPECT_THAT(hit, ElementsAre(2, 3, 10, 11));
  EXPECT_EQ(ChooseTargets(Target::kParent, server, 5).at(0).identity.pid, 3);
  EXPECT_EQ(ChooseTargets(Target::kSupervisor, server, 5).at(0).identity.pid, 2);
  EXPECT_THAT(ChooseTargets(Target::kSupervisor, ServerProcesses{}, 5), IsEmpty());
  EXPECT_EQ(server.main()->identity.pid, 2);
}

TEST(ChooseTargetsTest, AProgramIsDrawnFromThoseThatWereSeen) {
  ServerProcesses server = Server({Worker(10)});
  EXPECT_THAT(ChooseTargets({Target::kCgiOf, 0}, server, 3), IsEmpty());
  server.programs = {Worker(20), Worker(21)};
  EXPECT_THAT(ChooseTargets({Target::kCgiOf, 0}, server, 3), ElementsAre(server.programs[1]));
}

TEST(RenewedTest, AProgramThatIsCountedMustBeALaterOneInEachWorkerThatStays) {
  const auto of = [](pid_t pid, std::uint32_t program, bool leaving = false) {
    ProcessView worker = Worker(pid);
    worker.program = program;
    worker.leaving = leaving;
    return worker;
  };
  const ServerProcesses before = Server({of(10, 1), of(11, 1)});
  EXPECT_FALSE(Renewed(before, before));
  EXPECT_FALSE(Renewed(before, Server({of(12, 1), of(13, 1)}))) << "killed and replaced";
  EXPECT_FALSE(Renewed(before, Server({of(12, 2), of(11, 1)})));
  EXPECT_TRUE(Renewed(before, Server({of(12, 2), of(11, 1, true)})));
  EXPECT_FALSE(Renewed(before, Server({})));
}

TEST(RenewedTest, ElseAsManyNewWorkersAsThereWere) {
  const ServerProcesses before = Server({Worker(10), Worker(11)});
  EXPECT_FALSE(Renewed(before, before));
  EXPECT_FALSE(Renewed(before, Server({Worker(11), Worker(12)})));
  EXPECT_TRUE(Renewed(before, Server({Worker(11), Worker(12), Worker(13)})));
}

}  // namespace
}  // namespace hydrapool::harness
