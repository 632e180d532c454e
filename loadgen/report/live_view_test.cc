#include "loadgen/report/live_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadgen/report/terminal_text.h"

namespace hydrapool::loadgen {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

LiveState Example() {
  LiveState state{.title = "http://h/", .elapsed_s = 3, .planned_s = 10, .interval_s = 0.5};
  state.before.outcomes = {100};
  state.now = {.sent = 215, .outcomes = {199, 1, 0, 0, 5}, .workers = {{"0", 100}, {"1", 50}}};
  state.p99s = {1000, 4000, 2000};
  state.p50s = {500, 500, 500};
  return state;
}

TEST(LiveLineTest, ShowsTheLastInterval) {
  EXPECT_EQ(LiveLine(Example()),
            "3 s: 200/s, p50 500 µs, p99 2.00 ms; 199 ok, 1 not ok, 5 failed, 10 in flight");
}

TEST(LiveLineTest, APercentileOfTooFewIsNotShown) {
  auto state = Example();
  state.p99s.push_back(0);
  EXPECT_THAT(LiveLine(state), HasSubstr("p50 500 µs, p99 -; 199 ok"));
}

TEST(LiveScreenTest, ShowsRateLatencyErrorsAndWorkers) {
  const auto lines = LiveScreen(Example(), {}, false);
  EXPECT_THAT(lines, Contains(HasSubstr("200 responses/s, 10 in flight")));
  EXPECT_THAT(lines, Contains(HasSubstr("▂█▄ up to 4.00 ms")));
  EXPECT_THAT(lines, Contains(HasSubstr("refused                            5  +5")));
  EXPECT_THAT(lines, Contains(HasSubstr("workers   0                        100  ███")));
  EXPECT_THAT(lines, Contains(HasSubstr("3 of 10 s")));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("\x1b"))));
}

TEST(LiveScreenTest, WhereNoSecondHasAP99TheCourseIsOfP50) {
  auto state = Example();
  state.p99s = {0, 0, 0};
  state.p50s = {500, 1000, 250};
  EXPECT_THAT(LiveScreen(state, {}, false), Contains(StartsWith("p50       ▄█▂ up to 1.00 ms")));
  state.p99s = {0, 4000, 0};
  EXPECT_THAT(LiveScreen(state, {}, false), Contains(StartsWith("p99 ")));
}

TEST(LiveScreenTest, FitsTheTerminalWhateverThereIsToShow) {
  auto state = Example();
  state.title = std::string(300, 'x');
  state.now.outcomes.fill(1'000'000'000'000);
  state.p99s.resize(500, 3e9);
  for (int i = 0; i < 500; ++i) state.now.workers[std::string(40, 'w') + std::to_string(i)] = 1;
  for (const auto size : {ScreenSize{.rows = 24, .columns = 80}, ScreenSize{.rows = 5, .columns = 20}}) {
    const auto lines = LiveScreen(state, size, true);
    EXPECT_LT(lines.size(), size.rows);
    for (const auto& line : lines) EXPECT_LE(Columns(line), size.columns) << line;
  }
}

TEST(LiveScreenTest, WhatAServerSaysCannotMoveTheCursor) {
  auto state = Example();
  state.now.workers = {{"\x1b[2J", 3}};
  EXPECT_THAT(LiveScreen(state, {}, false), Not(Contains(HasSubstr("\x1b"))));
}

}  // namespace
}  // namespace hydrapool::loadgen
