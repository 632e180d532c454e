#include "pool/shared/rescue.h"

#include <gtest/gtest.h>

#include <string>

namespace hydrapool {
namespace {

using Action = Rescue::Action;

constexpr LeaseStep kStep{.sent_base = 1000, .consumed_base = 200, .send = 50, .consume = 20};
constexpr StepEnd kInSlab{.next = Phase::kReading, .in_slab = true};
constexpr StepEnd kInWorker{.next = Phase::kReading, .in_slab = false};

Orphan In(Phase phase) {
  return {.word = {7, 3, phase}, .step = kStep, .end = kInSlab, .sent = 1000, .consumed = 200};
}

TEST(DecideRescueTest, WhatMovesNoBytes) {
  const struct {
    Phase phase;
    bool process;
    Action action;
    Phase next;
    Excuse excuse;
  } cases[] = {
      {Phase::kFree, false, Action::kFree, Phase::kFree, Excuse::kNone},
      {Phase::kIdle, false, Action::kLease, Phase::kIdle, Excuse::kNone},
      {Phase::kReading, false, Action::kLease, Phase::kIdle, Excuse::kNone},
      {Phase::kExecuting, false, Action::kLease, Phase::kIdle, Excuse::kNone},
      {Phase::kExecuting, true, Action::kLease, Phase::kExecuting, Excuse::kNone},
      {Phase::kExecutingOnce, false, Action::kLease, Phase::kIdle, Excuse::kAbandoned},
      {Phase::kExecutingOnce, true, Action::kLease, Phase::kExecuting, Excuse::kNone},
      {Phase::kClosing, false, Action::kLease, Phase::kClosing, Excuse::kNone},
      {Phase::kClosed, false, Action::kFree, Phase::kClosed, Excuse::kNone},
  };
  for (const auto& [phase, process, action, next, excuse] : cases) {
    Orphan orphan = In(phase);
    orphan.process_running = process;
    const Rescue rescue = DecideRescue(orphan);
    EXPECT_EQ(rescue.action, action) << static_cast<int>(phase);
    EXPECT_EQ(rescue.word.phase, next) << static_cast<int>(phase);
    EXPECT_EQ(rescue.word.steps, 7u);
    EXPECT_EQ(rescue.excuse, excuse) << static_cast<int>(phase);
  }
}

TEST(DecideRescueTest, WhatItsHandlerCanResumeGoesOnWithoutAProcess) {
  for (const Phase phase : {Phase::kExecuting, Phase::kExecutingOnce, Phase::kFeeding}) {
    Orphan orphan = In(phase);
    orphan.resumable = true;
    orphan.began_once = true;
    orphan.consumed = 207;
    const Rescue rescue = DecideRescue(orphan);
    EXPECT_EQ(rescue.action, Action::kLease);
    EXPECT_EQ(rescue.excuse, Excuse::kNone);
    EXPECT_EQ(rescue.word.phase, phase == Phase::kFeeding ? Phase::kFeeding : Phase::kExecuting);
    EXPECT_EQ(rescue.step_consumed, phase == Phase::kFeeding ? 7u : 0u);
    EXPECT_EQ(DecideAftermath(orphan, rescue).process, Aftermath::Process::kKeep);
  }
}

// sys::BytesSent counts our own FIN where the connection is over.
TEST(DecideRescueTest, AnEndIsNoByteOfTheStepThatEndsTheConnection) {
  Orphan orphan = In(Phase::kResponding);
  orphan.end.next = Phase::kClosing;
  orphan.sent = 1051;
  Rescue rescue = DecideRescue(orphan);
  EXPECT_EQ(rescue.action, Action::kLease);
  EXPECT_EQ(rescue.step_sent, 50u);
  orphan.sent = 1052;
  EXPECT_EQ(DecideRescue(orphan).action, Action::kCut);
  orphan.sent = 1050;
  EXPECT_EQ(DecideRescue(orphan).step_sent, 50u);
}

TEST(DecideRescueTest, Responding) {
  using Count = std::optional<std::uint64_t>;
  const struct {
    const char* what;
    StepEnd end;
    bool process;
    Count sent;
    Count consumed;
    Action action;
    Phase next;
    Excuse excuse;
    std::uint64_t step_sent;
    std::uint64_t step_consumed;
  } cases[] = {
      {"nothing sent", kInSlab, false, 1000, 200, Action::kLease, Phase::kResponding, Excuse::kNone, 0, 0},
      {"partly sent", kInSlab, false, 1049, 200, Action::kLease, Phase::kResponding, Excuse::kNone, 49, 0},
      {"all sent", kInSlab, false, 1050, 200, Action::kLease, Phase::kResponding, Excuse::kNone, 50, 0},
      {"partly consumed", kInSlab, false, 1050, 219, Action::kLease, Phase::kResponding, Excuse::kNone, 50,
       19},
      {"all but the commit", kInSlab, false, 1050, 220, Action::kLease, Phase::kResponding, Excuse::kNone, 50,
       20},
      {"large, nothing sent", kInWorker, false, 1000, 200, Action::kLease, Phase::kIdle, Excuse::kNone, 0, 0},
      {"large, of a process", kInWorker, true, 1000, 200, Action::kLease, Phase::kIdle, Excuse::kAbandoned, 0,
       0},
      {"large, partly sent", kInWorker, false, 1001, 200, Action::kCut, Phase::kResponding, Excuse::kNone, 0,
       0},
      {"large, all sent", kInWorker, false, 1050, 205, Action::kLease, Phase::kResponding, Excuse::kNone, 50,
       5},
      {"more than noted", kInSlab, false, 1051, 200, Action::kCut, Phase::kResponding, Excuse::kNone, 0, 0},
      {"less than before", kInSlab, false, 999, 200, Action::kCut, Phase::kResponding, Excuse::kNone, 0, 0},
      {"unknown", kInSlab, false, Count(), Count(), Action::kCut, Phase::kResponding, Excuse::kNone, 0, 0},
  };
  for (const auto& each : cases) {
    Orphan orphan = In(Phase::kResponding);
    orphan.end = each.end;
    orphan.process_running = each.process;
    orphan.sent = each.sent;
    orphan.consumed = each.consumed;
    const Rescue rescue = DecideRescue(orphan);
    EXPECT_EQ(rescue.action, each.action) << each.what;
    EXPECT_EQ(rescue.word.phase, each.next) << each.what;
    EXPECT_EQ(rescue.excuse, each.excuse) << each.what;
    EXPECT_EQ(rescue.step_sent, each.step_sent) << each.what;
    EXPECT_EQ(rescue.step_consumed, each.step_consumed) << each.what;
  }
}

// Found by the simulation (seed 1): such a step was finished, and then the request ran again from its
// beginning, its answer behind a part of itself.
TEST(DecideRescueTest, TheRestOfAnAnswerThatOnlyItsWorkerKnewIsGone) {
  const StepEnd piece{.next = Phase::kExecuting, .in_slab = true, .begun = true};
  const StepEnd piece_of_once{.next = Phase::kExecuting, .in_slab = true, .once = true, .begun = true};
  const StepEnd interim{.next = Phase::kExecuting, .in_slab = true, .interim = true};
  const StepEnd interim_of_once{.next = Phase::kExecuting, .in_slab = true, .once = true, .interim = true};
  const struct {
    const char* what;
    StepEnd end;
    bool begun_before;
    std::uint64_t sent;
    std::uint32_t consume;
    Action action;
    Phase next;
    Excuse excuse;
  } cases[] = {
      {"nothing sent", piece, false, 1000, 20, Action::kLease, Phase::kIdle, Excuse::kNone},
      {"partly sent", piece, false, 1001, 0, Action::kCut, Phase::kResponding, Excuse::kNone},
      {"all sent", piece, false, 1050, 0, Action::kCut, Phase::kResponding, Excuse::kNone},
      {"nothing of the second sent", piece, true, 1000, 0, Action::kCut, Phase::kResponding, Excuse::kNone},
      {"ran once, nothing sent", piece_of_once, false, 1000, 0, Action::kLease, Phase::kIdle,
       Excuse::kAbandoned},
      {"ran once, partly sent", piece_of_once, false, 1001, 0, Action::kCut, Phase::kResponding,
       Excuse::kNone},
      {"interim", interim, false, 1010, 0, Action::kLease, Phase::kResponding, Excuse::kNone},
      {"interim, all sent, taken away", interim, false, 1050, 20, Action::kLease, Phase::kResponding,
       Excuse::kAbandoned},
      {"interim of what ran once", interim_of_once, false, 1010, 0, Action::kLease, Phase::kResponding,
       Excuse::kAbandoned},
  };
  for (const auto& each : cases) {
    Orphan orphan = In(Phase::kResponding);
    orphan.end = each.end;
    orphan.answer_begun = each.begun_before;
    orphan.step.consume = each.consume;
    orphan.sent = each.sent;
    const Rescue rescue = DecideRescue(orphan);
    EXPECT_EQ(rescue.action, each.action) << each.what;
    EXPECT_EQ(rescue.word.phase, each.next) << each.what;
    EXPECT_EQ(rescue.excuse, each.excuse) << each.what;
    if (each.next == Phase::kResponding && each.action == Action::kLease) {
      EXPECT_EQ(rescue.step_sent, each.sent - 1000) << each.what;
    }
    orphan.process_running = true;
    EXPECT_EQ(DecideRescue(orphan).word.phase, Phase::kResponding) << each.what << ", but a process answers";
  }
}

TEST(DecideRescueTest, FeedingGoesOnAtTheByteWhereItsProcessRunsAndIsAbandonedElse) {
  Orphan orphan = In(Phase::kFeeding);
  orphan.process_running = true;
  orphan.consumed = 207;
  Rescue rescue = DecideRescue(orphan);
  EXPECT_EQ(rescue.action, Action::kLease);
  EXPECT_EQ(rescue.word.phase, Phase::kFeeding);
  EXPECT_EQ(rescue.step_consumed, 7u);
  orphan.process_running = false;
  rescue = DecideRescue(orphan);
  EXPECT_EQ(rescue.excuse, Excuse::kAbandoned);
  orphan.process_running = true;
  orphan.consumed = std::nullopt;
  EXPECT_EQ(DecideRescue(orphan).excuse, Excuse::kAbandoned);
}

TEST(DecideRescueTest, AStrikeNeedsBlameAndTouch) {
  for (const bool touched : {false, true}) {
    for (const bool blame : {false, true}) {
      Orphan orphan = In(Phase::kReading);
      orphan.touched = touched;
      orphan.to_blame = blame;
      orphan.strikes = kStrikesToPoison - 1;
      const Rescue rescue = DecideRescue(orphan);
      EXPECT_EQ(rescue.strikes, kStrikesToPoison - 1 + (touched && blame ? 1 : 0));
      EXPECT_EQ(rescue.excuse, touched && blame ? Excuse::kPoison : Excuse::kNone);
      EXPECT_EQ(rescue.word.phase, Phase::kIdle);
    }
  }
}

TEST(DecideRescueTest, OnlyARequestInHandCanBePoison) {
  for (const Phase phase :
       {Phase::kFree, Phase::kIdle, Phase::kClosing, Phase::kClosed, Phase::kExecutingOnce}) {
    Orphan orphan = In(phase);
    orphan.touched = orphan.to_blame = true;
    orphan.strikes = 5;
    EXPECT_NE(DecideRescue(orphan).excuse, Excuse::kPoison) << static_cast<int>(phase);
  }
  for (const Phase phase : {Phase::kReading, Phase::kExecuting, Phase::kResponding}) {
    Orphan orphan = In(phase);
    orphan.touched = orphan.to_blame = true;
    orphan.strikes = 5;
    EXPECT_EQ(DecideRescue(orphan).excuse, Excuse::kPoison) << static_cast<int>(phase);
  }
}

TEST(DecideRescueTest, ASecondCrashWhileItsProcessRunsStopsItVisibly) {
  const struct {
    const char* what;
    Phase phase;
    bool answer_begun;
    std::uint64_t sent;
    Action action;
  } cases[] = {
      {"silent so far", Phase::kExecuting, false, 1000, Action::kLease},
      {"its body consumed", Phase::kExecutingOnce, false, 1000, Action::kLease},
      {"being fed", Phase::kFeeding, false, 1000, Action::kLease},
      {"fed while it answers", Phase::kFeeding, true, 1000, Action::kCut},
      {"its answer noted", Phase::kResponding, false, 1000, Action::kLease},
      {"its answer on the way", Phase::kResponding, false, 1001, Action::kCut},
      {"between two pieces", Phase::kExecuting, true, 1000, Action::kCut},
      {"a piece noted", Phase::kResponding, true, 1000, Action::kCut},
  };
  for (const auto& each : cases) {
    Orphan orphan = In(each.phase);
    orphan.process_running = true;
    orphan.touched = orphan.to_blame = true;
    orphan.answer_begun = each.answer_begun;
    orphan.sent = each.sent;
    EXPECT_EQ(DecideRescue(orphan).excuse, Excuse::kNone) << each.what << ": the first";
    orphan.strikes = 1;
    const Rescue rescue = DecideRescue(orphan);
    EXPECT_EQ(rescue.action, each.action) << each.what;
    EXPECT_EQ(rescue.excuse, Excuse::kPoison) << each.what;
    if (each.action == Action::kLease) {
      EXPECT_EQ(rescue.word.phase, Phase::kIdle) << each.what;
    }
  }
}

TEST(DecideRescueTest, KillsFromOutsideNeverStopWhatItsProcessAnswers) {
  for (const Phase phase : {Phase::kExecuting, Phase::kFeeding, Phase::kResponding}) {
    Orphan orphan = In(phase);
    orphan.process_running = orphan.touched = true;
    orphan.rescues = 1000;
    EXPECT_EQ(DecideRescue(orphan).excuse, Excuse::kNone) << static_cast<int>(phase);
  }
}

TEST(DecideRescueTest, KillsFromOutsideAreNoStrikesButTwentyAreEnough) {
  Orphan orphan = In(Phase::kReading);
  orphan.touched = true;
  orphan.rescues = kRescuesToPoison - 1;
  EXPECT_EQ(DecideRescue(orphan).excuse, Excuse::kNone);
  orphan.rescues = kRescuesToPoison;
  EXPECT_EQ(DecideRescue(orphan).excuse, Excuse::kPoison);
  orphan.touched = false;
  EXPECT_EQ(DecideRescue(orphan).excuse, Excuse::kNone);
}

}  // namespace
}  // namespace hydrapool
