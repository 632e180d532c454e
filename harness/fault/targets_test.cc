#include "harness/fault/targets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>

namespace hydrapool::harness {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

WorkerView Worker(pid_t pid, std::int64_t busy = 0, std::int64_t leases = 0) {
  return {.identity = {.pid = pid, .start_time = 1}, .slot = {}, .busy = busy, .leases = leases};
}

TEST(ChooseTargetsTest, NobodyWhereThereIsNobody) {
  for (const Target target :
       {Target::kRandom, Target::kBusiest, Target::kIdle, Target::kOldest, Target::kYoungest, Target::kSlot,
        Target::kAll, Target::kAllButOne, Target::kParent}) {
    EXPECT_THAT(ChooseTargets(target, {}, 3), IsEmpty());
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
  for (std::size_t i = 0; i < workers.size(); ++i) workers[i].identity.start_time = std::array{5, 3, 9, 3}[i];
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

}  // namespace
}  // namespace hydrapool::harness
