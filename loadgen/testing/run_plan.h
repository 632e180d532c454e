#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "loadgen/engine/engine_choice.h"
#include "loadgen/engine/load_run.h"

namespace hydrapool::loadgen {

/// For tests: a whole run, which must add up whatever the server does.
inline RunResult RunPlan(const std::string& engine, Plan plan, const Journal* journal = nullptr) {
  const auto factory = ChooseEngine(engine, plan)->factory;
  LoadRun run(std::move(plan), factory, journal);
  run.Start();
  auto result = run.Wait();
  const auto& tally = result.tally;
  EXPECT_EQ(tally.sent, tally.outcomes.completed() + tally.outcomes.failed() + tally.in_flight_at_end);
  EXPECT_EQ(result.scheduled, tally.sent + result.unsent());
  EXPECT_EQ(tally.latency.response.count(), tally.sent);
  EXPECT_EQ(tally.latency.service.count(), tally.sent);
  EXPECT_EQ(tally.latency.lag.count(), tally.sent);
  return result;
}

}  // namespace hydrapool::loadgen
