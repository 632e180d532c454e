#include "pool/shared/unavailable.h"

#include <gtest/gtest.h>

namespace hydrapool {
namespace {

constexpr LeaseStep kStep{.sent_base = 1000, .consumed_base = 200, .send = 50, .consume = 20};

TEST(DecideFarewellTest, WhoHasAskedIsToldAndWhoHasAPartOfAnAnswerIsReset) {
  using Count = std::optional<std::uint64_t>;
  const struct {
    const char* what;
    Phase phase;
    Phase next;
    Excuse owed;
    Count sent;
    std::uint64_t waiting;
    Farewell farewell;
  } cases[] = {
      {"silent", Phase::kIdle, Phase::kIdle, Excuse::kNone, 1000, 0, Farewell::kClose},
      {"has asked", Phase::kIdle, Phase::kIdle, Excuse::kNone, 1000, 1, Farewell::kReply},
      {"is owed a reply", Phase::kIdle, Phase::kIdle, Excuse::kAbandoned, 1000, 0, Farewell::kReply},
      {"has asked, no counters", Phase::kIdle, Phase::kIdle, Excuse::kNone, {}, 1, Farewell::kReply},
      {"its process runs", Phase::kExecuting, Phase::kIdle, Excuse::kNone, 1000, 1, Farewell::kCut},
      {"its body is fed", Phase::kFeeding, Phase::kExecuting, Excuse::kNone, 1000, 1, Farewell::kCut},
      {"nothing sent yet", Phase::kResponding, Phase::kIdle, Excuse::kNone, 1000, 1, Farewell::kCut},
      {"partly sent", Phase::kResponding, Phase::kIdle, Excuse::kNone, 1049, 0, Farewell::kCut},
      {"all sent", Phase::kResponding, Phase::kIdle, Excuse::kNone, 1050, 0, Farewell::kClose},
      {"all sent, more waits", Phase::kResponding, Phase::kIdle, Excuse::kNone, 1050, 9, Farewell::kClose},
      {"all sent, to close", Phase::kResponding, Phase::kClosing, Excuse::kNone, 1050, 0, Farewell::kClose},
      {"all sent and our FIN", Phase::kResponding, Phase::kClosing, Excuse::kNone, 1051, 0, Farewell::kClose},
      {"more than all", Phase::kResponding, Phase::kIdle, Excuse::kNone, 1051, 0, Farewell::kCut},
      {"a part of it sent", Phase::kResponding, Phase::kExecuting, Excuse::kNone, 1050, 0, Farewell::kCut},
      {"no counters", Phase::kResponding, Phase::kIdle, Excuse::kNone, {}, 0, Farewell::kCut},
      {"at its end", Phase::kClosing, Phase::kClosing, Excuse::kNone, 1050, 5, Farewell::kClose},
  };
  for (const auto& [what, phase, next, owed, sent, waiting, farewell] : cases) {
    const Unserved lease{.word = {7, 3, phase},
                         .step = kStep,
                         .end = {.next = next},
                         .owed = owed,
                         .sent = sent,
                         .waiting = waiting};
    EXPECT_EQ(DecideFarewell(lease), farewell) << what;
  }
}

}  // namespace
}  // namespace hydrapool
