#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

constexpr std::array kFaults{SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP, SIGXCPU};
constexpr std::array kOthers{SIGKILL, SIGTERM, SIGQUIT, SIGINT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};

// A sanitizer's runtime handles these itself, and ends the process with 1.
#ifdef __SANITIZE_ADDRESS__
constexpr std::array kSanitizers{SIGSEGV, SIGBUS, SIGFPE};
#else
constexpr std::array<int, 0> kSanitizers{};
#endif

bool DoesNothing(int signal) {
  return std::ranges::find(kFaults, signal) == kFaults.end() &&
         std::ranges::find(kOthers, signal) == kOthers.end();
}

std::string ScriptsDir(const ScratchDir& scratch) {
  WriteProgram(
      scratch / "signals",
      "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; exec grep '^Sig[BI]' /proc/self/status\n");
  return scratch.path();
}

/// One worker, so that a request is answered by the very process that was signalled: it has acted upon the
/// signal by then, and is the same if no worker has ended.
class StraySignalsTest : public ::testing::Test {
 protected:
  void ExpectUntouched(int signal) {
    EXPECT_EQ(client_.Ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").value_or(HttpAnswer{}).status, 200) << signal;
    EXPECT_EQ(server_.Total("exits"), 0u) << signal;
  }

  ScratchDir scratch_;
  ServerProcess server_{{.workers = 1, .cgi_dir = ScriptsDir(scratch_)}};
  HttpClient client_{server_.address()};
};

TEST_F(StraySignalsTest, DoNothingToTheParent) {
  for (int signal = 1; signal < NSIG; ++signal) {
    if (!DoesNothing(signal)) continue;
    server_.Signal(signal);
    ExpectUntouched(signal);
  }
  EXPECT_TRUE(server_.Stop().clean());
}

TEST_F(StraySignalsTest, DoNothingToAWorker) {
  const pid_t worker = server_.Workers().at(0);
  for (int signal = 1; signal < NSIG; ++signal) {
    if (!DoesNothing(signal) && signal != SIGINT) continue;
    server_.SignalWorker(worker, signal);
    ExpectUntouched(signal);
  }
  EXPECT_EQ(server_.Workers().at(0), worker);
}

TEST_F(StraySignalsTest, FaultsAndLimitsEndAWorkerAsTheyShould) {
  std::uint64_t ended = 0;
  for (const int signal : kFaults) {
    server_.SignalWorker(server_.Workers().at(0), signal);
    ASSERT_TRUE(server_.AwaitTotal("exits", ++ended)) << signal;
    ASSERT_TRUE(server_.AwaitQuiet());
    const bool sanitizers = std::ranges::find(kSanitizers, signal) != kSanitizers.end();
    const std::string name = sanitizers ? "exit_1" : sys::ExitStatus{signal, 0}.Describe();
    EXPECT_EQ(server_.Status().at("workers").at(0).at("last_exit"), name);
  }
}

TEST_F(StraySignalsTest, FaultsEndTheParentAsTheyShould) {
  server_.Signal(SIGABRT);
  EXPECT_EQ(server_.WaitForEnd(std::chrono::seconds(20)).signal, SIGABRT);
}

TEST_F(StraySignalsTest, ProgramsStartWithTheDefaults) {
  const auto answer = client_.Ask("GET /cgi-bin/signals HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

}  // namespace
}  // namespace hydrapool::support
