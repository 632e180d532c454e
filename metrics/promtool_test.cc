#include <gtest/gtest.h>
#include <stdio.h>
#include <unistd.h>

#include <cstdlib>

#include "metrics/metrics_page.h"

namespace hydrapool::metrics {
namespace {

int ExitOfPromtool(const std::string& page) {
  FILE* promtool = ::popen("promtool check metrics 2>&1", "w");
  if (promtool == nullptr) return -1;
  const std::size_t written = ::fwrite(page.data(), 1, page.size(), promtool);
  const int status = ::pclose(promtool);
  return written == page.size() && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class PromtoolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v promtool >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "no promtool on PATH (package prometheus)";
  }
};

TEST_F(PromtoolTest, AcceptsThePageOfANewPoolWithoutComplaint) {
  const hydrapool::Scoreboard board(4);
  EXPECT_EQ(ExitOfPromtool(RenderMetrics(board, {.version = "1.2.3"})), 0);
}

TEST_F(PromtoolTest, AcceptsThePageOfAPoolThatHasWorked) {
  const hydrapool::Scoreboard board(2);
  board.slot(0).pid = ::getpid();
  board.life_of(0).state = hydrapool::WorkerState::kReady;
  board.slot(0).replies[2].Add(1'000'000'007);
  board.slot(1).request_seconds.Observe(0, 2, 20 * sys::kSecond);
  board.counts().reap_seconds.Observe(3 * sys::kMillisecond);
  EXPECT_EQ(ExitOfPromtool(RenderMetrics(board, {.version = "a \"b\" \\c"})), 0);
}

TEST_F(PromtoolTest, RefusesAFamilyGivenTwice) {
  const hydrapool::Scoreboard board(1);
  const std::string page = RenderMetrics(board, {.version = "1.2.3"});
  EXPECT_NE(ExitOfPromtool(page + page), 0);
}

}  // namespace
}  // namespace hydrapool::metrics
