// A log whose reader has stopped: the pipe on stderr is full.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <string>

#include "pool/sys/kill.h"
#include "pool/testing/http_client.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

class StalledLogTest : public ::testing::Test {
 protected:
  ~StalledLogTest() override {
    if (reader_ > 0) sys::Kill(reader_, SIGKILL);
  }

  // The log goes through a pipe to a `cat`, which is then stopped, and one worker after the other logs until
  // the pipe is full.
  void StallTheLog() {
    std::ifstream(scratch_ / "reader") >> reader_;
    ASSERT_GT(reader_, 1);
    ASSERT_TRUE(server_.AwaitQuiet());
    sys::Kill(reader_, SIGSTOP);
    const std::string request =
        fmt::format("GET /cgi-bin/none{} HTTP/1.1\r\nHost: x\r\n\r\n", std::string(200, 'x'));
    HttpClient client(server_.address());
    for (int i = 0; i < 5000 && (i % 100 != 0 || server_.Total("log_dropped") < 50); ++i)
      ASSERT_EQ(client.Ask(request).value_or(HttpAnswer{}).status, 404) << i;
    ASSERT_GE(server_.Total("log_dropped"), 50u);
  }
  void ExpectAllServe() const {
    for (int i = 0; i < 8; ++i) {
      HttpClient client(server_.address());
      EXPECT_EQ(client.Ask("GET /cgi-bin/none HTTP/1.1\r\nHost: x\r\n\r\n").value_or(HttpAnswer{}).status,
                404);
      EXPECT_EQ(client.Ask("GET /cgi-bin/hello HTTP/1.1\r\nHost: x\r\n\r\n").value_or(HttpAnswer{}).status,
                200);
    }
  }

  ScratchDir scratch_;
  ServerProcess server_{{.workers = 4,
                         .environment = {{"FIFO", scratch_ / "fifo"}, {"READER", scratch_ / "reader"}},
                         .before = {"sh", "-c",
                                    "mkfifo \"$FIFO\"; exec 9>&2;"
                                    " (sh -c 'echo $$ >\"$READER\"; exec cat <\"$FIFO\" >&9 2>/dev/null' &);"
                                    " exec \"$@\" 2>\"$FIFO\" 9>&-",
                                    "sh"}}};
  pid_t reader_ = 0;
};

TEST_F(StalledLogTest, ParentAndWorkersGoOnAndTheReaderIsToldWhatItMissed) {
  ASSERT_NO_FATAL_FAILURE(StallTheLog());
  ExpectAllServe();
  for (const pid_t worker : server_.Workers()) server_.SignalWorker(worker, SIGKILL);
  EXPECT_TRUE(server_.AwaitTotal("exits", 4));
  ExpectAllServe();
  sys::Kill(reader_, SIGCONT);
  EXPECT_TRUE(
      Eventually([this] { return server_.Log().find(" log lines were dropped") != std::string::npos; }));
  EXPECT_TRUE(server_.Stop().clean());
}

TEST_F(StalledLogTest, TermIsHeard) {
  ASSERT_NO_FATAL_FAILURE(StallTheLog());
  EXPECT_TRUE(server_.Stop().clean());
}

TEST_F(StalledLogTest, InterruptIsHeard) {
  ASSERT_NO_FATAL_FAILURE(StallTheLog());
  server_.Signal(SIGINT);
  EXPECT_TRUE(server_.WaitForEnd(std::chrono::seconds(20)).clean());
}

}  // namespace
}  // namespace hydrapool::support
