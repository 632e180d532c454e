#include "pool/shared/worker_stage.h"

#include <gtest/gtest.h>

#include <vector>

namespace hydrapool {
namespace {

using Action = WorkerAction;
using Event = WorkerEvent;
using Stage = WorkerStage;

/// The actions of a whole life.
std::vector<Action> Live(const std::vector<Event>& events) {
  std::vector<Action> actions;
  Stage stage = Stage::kNone;
  for (const Event event : events) {
    const StageStep step = Advance(stage, event);
    stage = step.next;
    actions.push_back(step.action);
  }
  EXPECT_EQ(stage, Stage::kNone);
  return actions;
}

TEST(WorkerStageTest, AWorkerThatIsKilledIsRespawned) {
  EXPECT_EQ(Live({Event::kForked, Event::kReaped}), (std::vector{Action::kNothing, Action::kRespawn}));
  EXPECT_EQ(Live({Event::kForked, Event::kReady, Event::kReaped}),
            (std::vector{Action::kNothing, Action::kWelcome, Action::kRespawn}));
  EXPECT_EQ(Live({Event::kForked, Event::kReady, Event::kFirstReply, Event::kReaped}),
            (std::vector{Action::kNothing, Action::kWelcome, Action::kRecovered, Action::kRespawn}));
}

TEST(WorkerStageTest, AWorkerThatDrainsIsReplacedOnceAndBuriedWithoutAnother) {
  EXPECT_EQ(Live({Event::kForked, Event::kReady, Event::kDrains, Event::kReaped}),
            (std::vector{Action::kNothing, Action::kWelcome, Action::kReplace, Action::kBury}));
  EXPECT_EQ(Live({Event::kForked, Event::kReady, Event::kFirstReply, Event::kDrains, Event::kDrains,
                  Event::kFirstReply, Event::kReaped}),
            (std::vector{Action::kNothing, Action::kWelcome, Action::kRecovered, Action::kReplace,
                         Action::kNothing, Action::kNothing, Action::kBury}));
}

TEST(WorkerStageTest, WhatItsRecordTellsNext) {
  const struct {
    Stage stage;
    WorkerState state;
    bool has_replied;
    std::optional<Event> event;
  } cases[] = {
      {Stage::kNone, WorkerState::kReady, true, {}},
      {Stage::kStarting, WorkerState::kStarting, false, {}},
      {Stage::kStarting, WorkerState::kReady, false, Event::kReady},
      {Stage::kStarting, WorkerState::kDraining, true, Event::kReady},
      {Stage::kProving, WorkerState::kReady, false, {}},
      {Stage::kProving, WorkerState::kReady, true, Event::kFirstReply},
      {Stage::kProving, WorkerState::kDraining, true, Event::kFirstReply},
      {Stage::kProving, WorkerState::kDraining, false, Event::kDrains},
      {Stage::kServing, WorkerState::kReady, true, {}},
      {Stage::kServing, WorkerState::kDraining, true, Event::kDrains},
      {Stage::kLeaving, WorkerState::kDraining, true, {}},
  };
  for (const auto& [stage, state, has_replied, event] : cases) {
    EXPECT_EQ(NextEvent(stage, state, has_replied), event)
        << static_cast<int>(stage) << ' ' << static_cast<int>(state) << ' ' << has_replied;
  }
}

}  // namespace
}  // namespace hydrapool
