#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <atomic>
#include <thread>
#include <utility>

#include "pool/cgi/process.h"
#include "pool/cgi/spawn_fixture.h"
#include "pool/sys/kill.h"

namespace hydrapool::cgi {
namespace {

namespace fs = std::filesystem;

int OpenDescriptors() {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

/// What a gate was told; it runs in the child, so it only stores.
struct GateLog {
  bool let_it = true;
  std::atomic<pid_t> asked_by{0};
  std::atomic<int> told{0};
  std::atomic<int> calls{0};

  [[nodiscard]] SpawnGate gate() {
    return {.may_exec =
                [](void* context, pid_t self) {
                  auto* log = static_cast<GateLog*>(context);
                  log->asked_by = self;
                  ++log->calls;
                  return log->let_it;
                },
            .exec_failed =
                [](void* context, int error) {
                  auto* log = static_cast<GateLog*>(context);
                  log->told = error;
                  ++log->calls;
                },
            .context = this};
  }
};

TEST_F(SpawnTest, TheGateIsAskedOnceByTheChildItself) {
  GateLog log;
  auto options = Options();
  options.gate = log.gate();
  const auto spawned = Spawn(options);
  ASSERT_TRUE(spawned);
  EXPECT_EQ(log.asked_by, spawned->pid);
  EXPECT_EQ(log.calls, 1);
  EXPECT_EQ(spawned->start, Spawned::Start::kExecuted);
  EXPECT_EQ(Reap(*spawned), 0);
}

// A zombie that is taken for running has closed its output by its own will: a cut answer would be a whole
// one.
TEST_F(SpawnTest, WhatCannotBeLookedAtIsNotSeenRunning) {
  const auto spawned = Spawn(Options());
  ASSERT_TRUE(spawned);
  pollfd ended{spawned->pidfd.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&ended, 1, kDeadlineMillis), 1);
  EXPECT_FALSE(IsEnding(::getpid()));
  EXPECT_TRUE(IsEnding(spawned->pid));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool itself = IsEnding(::getpid());
  const bool zombie = IsEnding(spawned->pid);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(itself);
  EXPECT_TRUE(zombie);
  Reap(*spawned);
  EXPECT_TRUE(IsEnding(spawned->pid));
}

TEST_F(SpawnTest, AGateThatRefusesKeepsTheProgramFromRunning) {
  MakeScript("mark", "#!/bin/sh\n: > ran\n");
  GateLog log;
  log.let_it = false;
  auto options = Options();
  options.directory_fd = scratch_fd_.get();
  options.program = "mark";
  options.gate = log.gate();
  const auto spawned = Spawn(options);
  ASSERT_TRUE(spawned);
  EXPECT_EQ(spawned->start, Spawned::Start::kRefused);
  EXPECT_EQ(log.told, 0);
  EXPECT_EQ(WEXITSTATUS(Reap(*spawned)), 126);
  EXPECT_FALSE(fs::exists(scratch_ / "ran"));
}

TEST_F(SpawnTest, WhyItCouldNotBeExecutedIsTold) {
  MakeScript("text", "just text\n");
  MakeScript("locked", "#!/bin/sh\n", 0644);
  MakeScript("orphan", "#!/no/such/interpreter\n");
  const std::vector<std::pair<const char*, int>> cases{
      {"text", ENOEXEC}, {"locked", EACCES}, {"orphan", ENOENT}, {"nothing", ENOENT}};
  for (const auto& [program, error] : cases) {
    GateLog log;
    auto options = Options();
    options.directory_fd = scratch_fd_.get();
    options.program = program;
    options.gate = log.gate();
    const auto spawned = Spawn(options);
    ASSERT_TRUE(spawned);
    EXPECT_EQ(spawned->start, Spawned::Start::kFailed) << program;
    EXPECT_EQ(spawned->error, error) << program;
    EXPECT_EQ(log.told, error) << program;
    EXPECT_EQ(WEXITSTATUS(Reap(*spawned)), 127) << program;
  }
}

TEST_F(SpawnTest, AFailureBeforeTheExecDoesNotAskTheGate) {
  GateLog log;
  auto options = Options();
  options.directory_fd = -1;
  options.gate = log.gate();
  const auto bad_directory = Spawn(options);
  ASSERT_TRUE(bad_directory);
  EXPECT_EQ(bad_directory->error, EBADF);
  EXPECT_EQ(WEXITSTATUS(Reap(*bad_directory)), 127);

  options = Options();
  options.gate = log.gate();
  options.stdout_fd = 9999;
  const auto bad_descriptor = Spawn(options);
  ASSERT_TRUE(bad_descriptor);
  EXPECT_EQ(bad_descriptor->error, EBADF);
  EXPECT_EQ(WEXITSTATUS(Reap(*bad_descriptor)), 127);
  EXPECT_EQ(log.asked_by, 0);
}

TEST_F(SpawnTest, AStrangeParentIsAnEnd) {
  auto options = Options();
  options.expected_parent = 1;
  const auto spawned = Spawn(options);
  ASSERT_TRUE(spawned);
  EXPECT_EQ(spawned->start, Spawned::Start::kFailed);
  EXPECT_EQ(spawned->error, ESRCH);
  EXPECT_EQ(WEXITSTATUS(Reap(*spawned)), 127);
}

TEST_F(SpawnTest, WithCloneParentItIsTheGrandparentsChildAndOutlivesTheWorker) {
  Pipe input, output, told;
  argv_ = {const_cast<char*>("probe"), const_cast<char*>("stay"), nullptr};
  auto options = Options();  // expected_parent is this process
  options.stdin_fd = input.read.get();
  options.stdout_fd = output.write.get();
  options.clone_parent = true;
  ::fflush(nullptr);
  const pid_t worker = ::fork();
  if (worker == 0) {
    const auto spawned = Spawn(options);
    const pid_t pid = spawned ? spawned->pid : -1;
    if (::write(told.write.get(), &pid, sizeof pid) != sizeof pid) ::_exit(1);
    ::raise(SIGKILL);
  }
  input.read.Reset();
  output.write.Reset();
  pid_t pid = -1;
  ASSERT_EQ(::read(told.read.get(), &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  ASSERT_GT(pid, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(worker, &status, 0), worker);
  EXPECT_EQ(::waitpid(pid, &status, WNOHANG), 0) << "not this process's child, or dead with its worker";
  input.write.Reset();  // now it may end
  EXPECT_EQ(KeysAndValues(ReadAll(output.read.get())).at("ppid"), std::to_string(::getpid()));
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

TEST_F(SpawnTest, ItIsExecutedEvenIfTheWorkerIsKilledWhileItWaits) {
  Pipe output;
  auto options = Options();
  options.stdout_fd = output.write.get();
  options.clone_parent = true;
  ::fflush(nullptr);
  const pid_t worker = ::fork();
  if (worker == 0) {
    // The gate runs in the child, on the memory of the worker that it kills and sees dead before it goes on.
    static pid_t self = ::getpid();
    options.gate = {.may_exec =
                        [](void* context, pid_t) {
                          const pid_t killed = *static_cast<pid_t*>(context);
                          pollfd ended{static_cast<int>(::syscall(SYS_pidfd_open, killed, 0)), POLLIN, 0};
                          sys::Kill(killed, SIGKILL);
                          return ::poll(&ended, 1, kDeadlineMillis) == 1 && (ended.revents & POLLIN) != 0;
                        },
                    .exec_failed = nullptr,
                    .context = &self};
    ::_exit(Spawn(options) ? 0 : 1);
  }
  output.write.Reset();
  int status = 0;
  ASSERT_EQ(::waitpid(worker, &status, 0), worker);
  ASSERT_EQ(status, SIGKILL);
  const auto found = KeysAndValues(ReadAll(output.read.get()));
  ASSERT_TRUE(found.contains("pid")) << "the program never ran";
  EXPECT_EQ(::waitpid(std::stoi(found.at("pid")), &status, 0), std::stoi(found.at("pid")));
  EXPECT_EQ(status, 0);
}

TEST_F(SpawnTest, ItDiesWithTheProcessItIsTheChildOf) {
  // This test is the pool's grandparent: pool (forked here) → worker → CGI, which holds `output` open as long
  // as it lives.
  Pipe output, never_written;
  argv_ = {const_cast<char*>("probe"), const_cast<char*>("stay"), nullptr};
  auto options = Options();
  options.stdin_fd = never_written.read.get();
  options.stdout_fd = output.write.get();
  options.clone_parent = true;
  ::fflush(nullptr);
  const pid_t pool = ::fork();
  if (pool == 0) {
    options.expected_parent = ::getpid();
    const pid_t worker = ::fork();
    if (worker == 0) ::_exit(Spawn(options) ? 0 : 1);
    int status = 1;
    ::waitpid(worker, &status, 0);
    if (status != 0) ::_exit(1);
    ::raise(SIGKILL);
  }
  output.write.Reset();
  int status = 0;
  EXPECT_EQ(::waitpid(pool, &status, 0), pool);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  ReadAll(output.read.get());  // its end is the CGI's death: no process closed `never_written`
}

TEST_F(SpawnTest, AGroupIsKilledWithAllItsMembers) {
  MakeScript("family", "#!/bin/sh\nsleep 1000 &\nsleep 1000 &\necho ready\nwait\n");
  envp_ = {const_cast<char*>("PATH=/usr/bin:/bin"), nullptr};
  Pipe output;
  auto options = Options();
  options.directory_fd = scratch_fd_.get();
  options.program = "family";
  options.stdout_fd = output.write.get();
  const auto spawned = Spawn(options);
  ASSERT_TRUE(spawned);
  output.write.Reset();
  char line[6];
  ASSERT_EQ(::read(output.read.get(), line, sizeof line), 6);
  EXPECT_EQ(sys::KillGroup(spawned->pid, SIGTERM), 0);
  EXPECT_EQ(ReadAll(output.read.get()), "");  // ends when the last of the three is gone
  EXPECT_EQ(WTERMSIG(Reap(*spawned)), SIGTERM);
}

TEST_F(SpawnTest, ManyStartsFromSeveralThreadsLeaveNoDescriptorBehind) {
  const int before = OpenDescriptors();
  std::vector<std::thread> threads;
  std::atomic<int> clean{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      std::vector<Spawned> started;
      for (int i = 0; i < 25; ++i) {
        auto spawned = Spawn(Options());
        if (spawned) started.push_back(std::move(*spawned));
      }
      for (const Spawned& one : started) {
        if (Reap(one) == 0) ++clean;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(clean, 100);
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace hydrapool::cgi
