#include "harness/observe/child_kinds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>

#include <filesystem>
#include <string>
#include <vector>

#include "harness/fault/process_tree.h"
#include "pool/sys/child.h"
#include "pool/sys/clock.h"
#include "pool/sys/program.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool::harness {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Processes of two programs that do the same; the server is to be upgraded from one to the other.
struct ChildKindsTest : testing::Test {
  ChildKindsTest() {
    for (const auto& file : {before, after}) std::filesystem::copy_file("/bin/sleep", file);
  }
  ~ChildKindsTest() override {
    for (const sys::Child& child : children) child.Signal(SIGKILL);
  }
  pid_t Start(const std::string& file) {
    children.push_back(sys::StartProgram({file, "3600"}, {.output = "/dev/null"}));
    const pid_t pid = children.back().pid();
    const sys::Nanos deadline = sys::Now() + 20 * sys::kSecond;
    while (ExecutableOf(pid) != file && sys::Now() < deadline) ::sched_yield();
    EXPECT_EQ(ExecutableOf(pid), file);
    return pid;
  }
  static FamilySample Sample(const std::vector<pid_t>& pids) {
    FamilySample sample;
    for (const pid_t pid : pids) sample.children.push_back({.pid = pid, .start_time = 1});
    return sample;
  }

  sys::ScratchDir scratch{"child-kinds-test"};
  const std::string before = scratch / "before";
  const std::string after = scratch / "after";
  std::vector<sys::Child> children;
};

TEST_F(ChildKindsTest, WorkersOfAProgramAtAnotherPathAreWorkersOnceItIsTheServers) {
  const pid_t main = Start(before);
  const pid_t worker = Start(before);
  ChildKinds kinds(main, ChildKinds::Told::kByStatus);
  EXPECT_THAT(kinds.Look(Sample({worker}), {main, main}).programs, IsEmpty());

  const pid_t parent = Start(after);  // its supervisor is still the program of before
  EXPECT_THAT(kinds.Look(Sample({worker, parent}), {main, main}).programs, ElementsAre(parent));
  EXPECT_TRUE(kinds.IsAProgram(parent));

  const pid_t next = Start(after);
  const auto turned_out = kinds.Look(Sample({parent, worker, next}), {main, parent});
  EXPECT_THAT(turned_out.programs, IsEmpty());
  EXPECT_THAT(turned_out.forks_after_all, ElementsAre(parent));
  EXPECT_FALSE(kinds.IsAProgram(parent));
  EXPECT_FALSE(kinds.IsAProgram(next));
  EXPECT_FALSE(kinds.IsAProgram(worker)) << "those of the program before drain yet";
  std::vector<FamilySample> samples{Sample({parent, worker, next})};
  kinds.KeepWorkers(samples);
  EXPECT_EQ(samples.front(), Sample({parent, worker, next}));
}

TEST_F(ChildKindsTest, AnotherProgramIsNoWorker) {
  const pid_t main = Start(before);
  const pid_t worker = Start(before);
  const pid_t program = Start(after);
  for (const auto told : {ChildKinds::Told::kByStatus, ChildKinds::Told::kByTitle}) {
    ChildKinds kinds(main, told);
    EXPECT_THAT(kinds.Look(Sample({worker, program}), {main, main}).programs, ElementsAre(program));
    EXPECT_THAT(kinds.Look(Sample({worker, program}), {main, main}).programs, IsEmpty()) << "each once";
    std::vector<FamilySample> samples{Sample({worker, program})};
    kinds.KeepWorkers(samples);
    EXPECT_EQ(samples.front(), Sample({worker}));
  }
}

}  // namespace
}  // namespace hydrapool::harness
