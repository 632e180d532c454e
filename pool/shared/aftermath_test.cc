// What follows from a rescue, and whose fault a death was.
#include <gtest/gtest.h>
#include <signal.h>

#include <optional>

#include "pool/shared/rescue.h"

namespace hydrapool {
namespace {

using Action = Rescue::Action;

Orphan In(Phase phase) {
  Orphan orphan{};
  orphan.word = {7, 3, phase};
  return orphan;
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
    bool resumable;
    bool to_blame;
    bool touched;
  } cases[] = {
      {"named", 6, Phase::kReading, State::kNone, false, false, true},
      {"named, and resumable", 6, Phase::kExecuting, State::kNone, true, true, true},
      {"another named", 7, Phase::kExecuting, State::kNone, false, true, false},
      {"none named, no crash", 0, Phase::kExecuting, State::kNone, false, false, false},
      {"none named, crash", 0, Phase::kExecuting, State::kNone, false, true, true},
      {"none named, a process answers", 0, Phase::kExecuting, State::kRunning, false, true, false},
      {"none named, a file is sent, or it waits for its turn", 0, Phase::kExecuting, State::kNone, true, true,
       false},
      {"none named, nothing executes", 0, Phase::kIdle, State::kNone, false, true, false},
  };
  for (const auto& [what, current, phase, process, resumable, to_blame, touched] : cases) {
    EXPECT_EQ(WasTouched({.slot = 5,
                          .current = current,
                          .phase = phase,
                          .process = process,
                          .resumable = resumable,
                          .to_blame = to_blame}),
              touched)
        << what;
  }
}

}  // namespace
}  // namespace hydrapool
