#include "pool/cgi/process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include <chrono>
#include <thread>

#include "pool/cgi/spawn_fixture.h"
#include "pool/sys/await.h"
#include "pool/sys/child.h"

namespace hydrapool::cgi {
namespace {

namespace fs = std::filesystem;

TEST_F(SpawnTest, TheProgramFindsACleanWorld) {
  const sys::UniqueFd leaky(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  const auto found = KeysAndValues(OutputOf(Options()));
  EXPECT_EQ(found.at("fds"), "0 1 2 ");
  for (const auto* set : {"SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"}) {
    EXPECT_EQ(found.at(set), "0000000000000000") << set;
  }
  EXPECT_EQ(found.at("pgid"), found.at("pid"));
  EXPECT_EQ(found.at("ppid"), std::to_string(::getpid()));
  EXPECT_EQ(found.at("pdeathsig"), std::to_string(SIGKILL));
  EXPECT_EQ(found.at("NoNewPrivs"), "1");
  EXPECT_EQ(found.at("cwd"), fs::canonical(HYDRAPOOL_BIN_DIR).string());
  EXPECT_EQ(found.at("umask"), "022");
  EXPECT_EQ(found.at("argc"), "1");
  EXPECT_EQ(found.at("argv0"), "probe");
  EXPECT_EQ(found.at("core"), "0 0");
  EXPECT_EQ(found.at("nofile"), "1024 1024");
}

TEST_F(SpawnTest, TheEnvironmentIsExactlyTheOneGiven) {
  const auto output = OutputOf(Options());
  EXPECT_EQ(output.substr(output.find("env:")), "env:ONLY=this\n");
}

TEST_F(SpawnTest, IgnoredBlockedAndHandledSignalsAreNotInherited) {
  struct sigaction ignore {
  }, before_pipe, before_usr1, before_last;
  ignore.sa_handler = SIG_IGN;
  struct sigaction handle {};
  handle.sa_handler = [](int) {};
  ::sigaction(SIGPIPE, &ignore, &before_pipe);
  ::sigaction(SIGUSR1, &handle, &before_usr1);
  ::sigaction(SIGRTMAX, &ignore, &before_last);
  sigset_t block, before;
  sigemptyset(&block);
  sigaddset(&block, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &block, &before);

  const auto found = KeysAndValues(OutputOf(Options()));

  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, &before, &after);
  ::sigaction(SIGPIPE, &before_pipe, &ignore);
  ::sigaction(SIGUSR1, &before_usr1, &handle);
  ::sigaction(SIGRTMAX, &before_last, nullptr);
  for (const auto* set : {"SigBlk", "SigIgn", "SigCgt"}) EXPECT_EQ(found.at(set), "0000000000000000") << set;
  EXPECT_EQ(sigismember(&after, SIGTERM), 1) << "the caller's own mask was changed";
  EXPECT_EQ(sigismember(&after, SIGINT), 0) << "the caller's own mask was changed";
  EXPECT_EQ(ignore.sa_handler, SIG_IGN) << "the caller's own disposition was changed";
  EXPECT_NE(handle.sa_handler, SIG_DFL) << "the caller's own disposition was changed";
}

TEST_F(SpawnTest, LimitsAreSetAndNeverAboveTheCallersOwn) {
  auto options = Options();
  options.limits = {
      .core_bytes = 0, .open_files = RLIM_INFINITY, .cpu_seconds = 7, .address_space_bytes = 1 << 30};
  rlimit mine;
  ::getrlimit(RLIMIT_NOFILE, &mine);
  const auto found = KeysAndValues(OutputOf(options));
  EXPECT_EQ(found.at("cpu"), "7 8");
  EXPECT_EQ(found.at("as"), "1073741824 1073741824");
  EXPECT_EQ(found.at("nofile"), std::to_string(mine.rlim_max) + " " + std::to_string(mine.rlim_max));
}

#ifndef __SANITIZE_ADDRESS__  // which maps memory of its own
TEST_F(SpawnTest, WhereMemoryWasShortForAMomentItStartsProgramsAgain) {
  auto child = sys::Child::Fork([this] {
    int code = 1;
    std::thread([&] {  // which has started none before
      const auto options = Options();
      rlimit before;
      ::getrlimit(RLIMIT_AS, &before);
      const rlimit none{.rlim_cur = 1, .rlim_max = before.rlim_max};
      ::setrlimit(RLIMIT_AS, &none);
      const bool refused = !Spawn(options);
      ::setrlimit(RLIMIT_AS, &before);
      code = refused && Spawn(options) ? 0 : 1;
    })
        .join();
    return code;
  });
  ASSERT_TRUE(sys::Await(child.pidfd(), POLLIN, std::chrono::milliseconds(kDeadlineMillis)));
  EXPECT_TRUE(child.TryReap().value().clean());
}
#endif

TEST_F(SpawnTest, TheThreeDescriptorsAreWiredAsAsked) {
  MakeScript("both", "#!/bin/sh\nread line\necho \"out $line\"\necho \"err $line\" >&2\n");
  Pipe input, output, errors;
  auto options = Options();
  options.directory_fd = scratch_fd_.get();
  options.program = "both";
  options.stdin_fd = input.read.get();
  options.stdout_fd = output.write.get();
  options.stderr_fd = errors.write.get();
  const auto spawned = Spawn(options);
  ASSERT_TRUE(spawned) << spawned.error().message;
  EXPECT_EQ(::write(input.write.get(), "hi\n", 3), 3);
  output.write.Reset();
  errors.write.Reset();
  EXPECT_EQ(ReadAll(output.read.get()), "out hi\n");
  EXPECT_EQ(ReadAll(errors.read.get()), "err hi\n");
  EXPECT_EQ(Reap(*spawned), 0);
}

TEST_F(SpawnTest, TheCallersDescriptorsMayThemselvesBeZeroToTwoInAnyOrder) {
  // In a child of its own, for it rearranges its standard descriptors: 0 is the errors' pipe, 1 the input, 2
  // the output.
  MakeScript("both", "#!/bin/sh\nread line\necho \"out $line\"\necho \"err $line\" >&2\n");
  Pipe input, output, errors;
  auto options = Options();
  options.directory_fd = scratch_fd_.get();
  options.program = "both";
  options.stdin_fd = 1;
  options.stdout_fd = 2;
  options.stderr_fd = 0;
  ::fflush(nullptr);
  const pid_t rearranged = ::fork();
  if (rearranged == 0) {
    ::dup2(errors.write.get(), 0);
    ::dup2(input.read.get(), 1);
    ::dup2(output.write.get(), 2);
    options.expected_parent = ::getpid();
    const auto spawned = Spawn(options);
    int status = 0;
    ::_exit(spawned && ::waitpid(spawned->pid, &status, 0) == spawned->pid ? WEXITSTATUS(status) : 99);
  }
  EXPECT_EQ(::write(input.write.get(), "hi\n", 3), 3);
  output.write.Reset();
  errors.write.Reset();
  EXPECT_EQ(ReadAll(output.read.get()), "out hi\n");
  EXPECT_EQ(ReadAll(errors.read.get()), "err hi\n");
  int status = -1;
  EXPECT_EQ(::waitpid(rearranged, &status, 0), rearranged);
  EXPECT_EQ(status, 0);
}

TEST_F(SpawnTest, AScriptRunsByItsInterpreterAndIsCalledByARelativeName) {
  MakeScript("-script", "#!/bin/sh\necho \"$0 $PWD\"\n");
  auto options = Options();
  options.directory_fd = scratch_fd_.get();
  options.program = "-script";
  EXPECT_EQ(OutputOf(options), "./-script " + fs::canonical(scratch_).string() + "\n");
}

}  // namespace
}  // namespace hydrapool::cgi
