#include "pool/shared/rescue.h"

#include <gtest/gtest.h>
#include <signal.h>

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

TEST(DecideAftermathTest, WhatBecomesOfTheProcess) {
  using Process = Aftermath::Process;
  const struct {
    const char* what;
    Phase phase;
    bool terminate;
    Action action;
    Phase next;
    Excuse excuse;
    Process process;
  } cases[] = {
      {"closed", Phase::kClosed, false, Action::kFree, Phase::kClosed, Excuse::kNone, Process::kLetFinish},
      {"closed, to be ended", Phase::kClosed, true, Action::kFree, Phase::kClosed, Excuse::kNone,
       Process::kTerminate},
      {"cut", Phase::kResponding, false, Action::kCut, Phase::kResponding, Excuse::kNone,
       Process::kTerminate},
      {"idle", Phase::kIdle, false, Action::kLease, Phase::kIdle, Excuse::kNone, Process::kLetFinish},
      {"reading", Phase::kReading, false, Action::kLease, Phase::kIdle, Excuse::kNone, Process::kLetFinish},
      {"runs again", Phase::kExecuting, false, Action::kLease, Phase::kIdle, Excuse::kNone,
       Process::kLetFinish},
      {"runs again, its process to be ended", Phase::kExecuting, true, Action::kLease, Phase::kIdle,
       Excuse::kNone, Process::kTerminate},
      {"its process goes on", Phase::kExecuting, false, Action::kLease, Phase::kExecuting, Excuse::kNone,
       Process::kKeep},
      {"its step goes on", Phase::kResponding, true, Action::kLease, Phase::kResponding, Excuse::kNone,
       Process::kKeep},
      {"its body goes on", Phase::kFeeding, false, Action::kLease, Phase::kFeeding, Excuse::kNone,
       Process::kKeep},
      {"its end goes on", Phase::kClosing, false, Action::kLease, Phase::kClosing, Excuse::kNone,
       Process::kLetFinish},
      {"abandoned", Phase::kExecutingOnce, false, Action::kLease, Phase::kIdle, Excuse::kAbandoned,
       Process::kTerminate},
      {"poison", Phase::kReading, false, Action::kLease, Phase::kIdle, Excuse::kPoison, Process::kTerminate},
  };
  for (const auto& [what, phase, terminate, action, next, excuse, process] : cases) {
    Orphan orphan = In(phase);
    orphan.terminate = terminate;
    const Aftermath after =
        DecideAftermath(orphan, {.action = action, .word = {7, 3, next}, .excuse = excuse});
    EXPECT_EQ(after.process, process) << what;
  }
}

TEST(DecideAftermathTest, WhatIsCountedAndTold) {
  using Kind = Fate::Kind;
  const struct {
    const char* what;
    Phase phase;
    Action action;
    Excuse excuse;
    bool rescued;
    bool cut;
    std::optional<Kind> fate;
  } cases[] = {
      {"freed", Phase::kClosed, Action::kFree, Excuse::kNone, false, false, {}},
      {"idle", Phase::kIdle, Action::kLease, Excuse::kNone, true, false, {}},
      {"at its end", Phase::kClosing, Action::kLease, Excuse::kNone, true, false, {}},
      {"reading", Phase::kReading, Action::kLease, Excuse::kNone, true, false, Kind::kRescued},
      {"executing", Phase::kExecuting, Action::kLease, Excuse::kNone, true, false, Kind::kRescued},
      {"responding", Phase::kResponding, Action::kLease, Excuse::kNone, true, false, Kind::kRescued},
      {"abandoned", Phase::kExecutingOnce, Action::kLease, Excuse::kAbandoned, false, false,
       Kind::kAbandoned},
      {"poison", Phase::kReading, Action::kLease, Excuse::kPoison, false, false, Kind::kPoison},
      {"cut", Phase::kResponding, Action::kCut, Excuse::kNone, false, true, Kind::kCut},
      {"cut as poison", Phase::kExecuting, Action::kCut, Excuse::kPoison, false, true, Kind::kCut},
  };
  for (const auto& [what, phase, action, excuse, rescued, cut, fate] : cases) {
    const Aftermath after =
        DecideAftermath(In(phase), {.action = action, .word = {7, 3, Phase::kIdle}, .excuse = excuse});
    EXPECT_EQ(after.counts_as_rescued, rescued) << what;
    EXPECT_EQ(after.counts_as_cut, cut) << what;
    EXPECT_EQ(after.counts_as, excuse) << what;
    EXPECT_EQ(after.fate, fate) << what;
  }
}

TEST(DecideAftermathTest, ADeathCountsForTheRequestThatTheWorkerTouched) {
  Orphan orphan = In(Phase::kReading);
  orphan.rescues = 4;
  const Rescue rescue{.action = Action::kLease, .word = {7, 3, Phase::kIdle}};
  EXPECT_EQ(DecideAftermath(orphan, rescue).rescues, 4u);
  orphan.touched = true;
  EXPECT_EQ(DecideAftermath(orphan, rescue).rescues, 5u);
}

TEST(IsToBlameTest, CrashesAndLimitsAreAndKillsFromOutsideAreNot) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP, SIGXCPU})
    EXPECT_TRUE(IsToBlame({.signal = signal})) << signal;
  for (const int signal : {SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGPIPE})
    EXPECT_FALSE(IsToBlame({.signal = signal})) << signal;
  EXPECT_TRUE(IsToBlame({.code = 70}));
  EXPECT_FALSE(IsToBlame({}));
}

TEST(WasTouchedTest, TheLeaseThatTheWorkerNamedOrAnyExecutionWhereItNamedNone) {
  using State = ProcessWord::State;
  const struct {
    const char* what;
    std::uint32_t current;
    Phase phase;
    State process;
    bool to_blame;
    bool touched;
  } cases[] = {
      {"named", 6, Phase::kReading, State::kNone, false, true},
      {"another named", 7, Phase::kExecuting, State::kNone, true, false},
      {"none named, no crash", 0, Phase::kExecuting, State::kNone, false, false},
      {"none named, crash", 0, Phase::kExecuting, State::kNone, true, true},
      {"none named, a process answers", 0, Phase::kExecuting, State::kRunning, true, false},
      {"none named, nothing executes", 0, Phase::kIdle, State::kNone, true, false},
  };
  for (const auto& [what, current, phase, process, to_blame, touched] : cases) {
    EXPECT_EQ(
        WasTouched({.slot = 5, .current = current, .phase = phase, .process = process, .to_blame = to_blame}),
        touched)
        << what;
  }
}

}  // namespace
}  // namespace hydrapool
