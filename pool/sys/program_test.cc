#include "pool/sys/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool/sys/file.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool::sys {
namespace {

using testing::HasSubstr;

ExitStatus Await(Child& child) {
  pollfd waited{.fd = child.pidfd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&waited, 1, 20'000), 1);
  return child.TryReap().value();
}

struct ProgramTest : testing::Test {
  ScratchDir scratch{"program-test"};
  std::string output = scratch / "output";
};

TEST_F(ProgramTest, OutputsAndEnvironmentAreAsAsked) {
  auto child =
      StartProgram({"sh", "-c", "cat; echo $WORD; echo oops >&2"},
                   {.output = output, .errors = scratch / "errors", .environment = {{"WORD", "hi"}}});
  EXPECT_TRUE(Await(child).clean());
  EXPECT_EQ(ReadFile(output), "hi\n");
  EXPECT_EQ(ReadFile(scratch / "errors"), "oops\n");
}

TEST_F(ProgramTest, BothOutputsMayGoToOneFile) {
  auto child = StartProgram({"sh", "-c", "echo a; echo b >&2"}, {.output = output});
  EXPECT_TRUE(Await(child).clean());
  EXPECT_EQ(ReadFile(output), "a\nb\n");
}

TEST_F(ProgramTest, AProgramThatIsNotThereEndsWith127AndSaysSo) {
  auto child = StartProgram({"no-such-program"}, {.output = output});
  EXPECT_EQ(Await(child).code, 127);
  EXPECT_THAT(ReadFile(output), HasSubstr("no-such-program: No such file"));
}

TEST_F(ProgramTest, NoSignalIsBlockedAndTheGroupIsItsOwn) {
  auto child = StartFunction(
      [] {
        sigset_t blocked;
        ::sigprocmask(SIG_SETMASK, nullptr, &blocked);
        return ::sigismember(&blocked, SIGTERM) == 0 && ::getpgrp() == ::getpid() ? 0 : 1;
      },
      {.output = output, .own_group = true});
  EXPECT_TRUE(Await(child).clean());
}

}  // namespace
}  // namespace hydrapool::sys
