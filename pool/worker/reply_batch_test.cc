#include "pool/worker/reply_batch.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace hydrapool {
namespace {

struct Batch {
  explicit Batch(std::size_t input) : replies(slab, input) {}
  std::array<char, 32> slab{};
  ReplyBatch replies;

  std::string text() {
    const StepPlan plan = replies.Plan(Phase::kReading);
    return {plan.bytes, plan.send};
  }
};

TEST(FaultOfTest, OnlyWhatEndsTheRequestMayConsumeNothingAndNothingMoreThanItsInput) {
  const struct {
    const char* what;
    Reply reply;
    bool taken;
    bool fault;
  } cases[] = {
      {"all of it", {.consume = 10}, false, false},
      {"a part", {.consume = 1}, false, false},
      {"more than has come", {.consume = 11}, false, true},
      {"nothing", {.consume = 0}, false, true},
      {"nothing, and closes", {.consume = 0, .keep_open = false}, false, false},
      {"nothing, and is interim", {.consume = 0, .interim = true}, false, false},
      {"nothing of what is gone already", {.consume = 0}, true, false},
      {"more than is left", {.consume = 11}, true, true},
  };
  for (const auto& [what, reply, taken, fault] : cases)
    EXPECT_EQ(!FaultOf(reply, 10, taken).empty(), fault) << what;
}

TEST(ReplyBatchTest, RepliesToRequestsThatCameTogetherAreOneStep) {
  Batch batch(12);
  EXPECT_TRUE(batch.replies.empty());
  EXPECT_TRUE(batch.replies.Add({.consume = 5, .bytes = "one ", .kind = 2}, false));
  EXPECT_TRUE(batch.replies.open());
  EXPECT_TRUE(batch.replies.Add({.consume = 7, .bytes = "two", .kind = 2}, false));
  EXPECT_FALSE(batch.replies.open()) << "nothing more has come";
  const StepPlan plan = batch.replies.Plan(Phase::kIdle);
  EXPECT_EQ(batch.text(), "one two");
  EXPECT_EQ(plan.consume, 12u);
  EXPECT_EQ(plan.splice_at, plan.send);
  EXPECT_EQ(plan.spliced, 0u);
  EXPECT_EQ(plan.end.next, Phase::kIdle);
  EXPECT_EQ(plan.end.requests, 2);
  EXPECT_EQ(plan.end.kind, 2);
  EXPECT_TRUE(plan.end.in_slab);
}

TEST(ReplyBatchTest, WhatBelongsToAnotherStepChangesNothing) {
  const struct {
    const char* what;
    Reply reply;
  } cases[] = {
      {"another kind", {.consume = 1, .bytes = "x", .kind = 5}},
      {"another part of the site", {.consume = 1, .bytes = "x", .kind = 2, .part = 1}},
      {"no room in the slab", {.consume = 1, .bytes = std::string(29, 'x'), .kind = 2}},
      {"consumes more than is left", {.consume = 96, .bytes = "x", .kind = 2}},
      {"consumes nothing", {.consume = 0, .bytes = "x", .kind = 2}},
  };
  for (const auto& [what, reply] : cases) {
    Batch batch(100);
    ASSERT_TRUE(batch.replies.Add({.consume = 5, .bytes = "four", .kind = 2}, false));
    EXPECT_FALSE(batch.replies.Add(reply, false)) << what;
    EXPECT_EQ(batch.text(), "four") << what;
    EXPECT_EQ(batch.replies.consumed(), 5u) << what;
    EXPECT_EQ(batch.replies.Plan(Phase::kReading).end.requests, 1) << what;
    EXPECT_TRUE(batch.replies.open()) << what;
  }
}

TEST(ReplyBatchTest, AReplyLargerThanTheSlabIsNotTakenAndOneAsLargeIs) {
  Batch larger(100);
  EXPECT_FALSE(larger.replies.Add({.consume = 5, .bytes = std::string(33, 'x')}, false));
  EXPECT_TRUE(larger.replies.empty());
  Batch as_large(100);
  EXPECT_TRUE(as_large.replies.Add({.consume = 5, .bytes = std::string(32, 'x')}, false));
  EXPECT_TRUE(as_large.replies.Add({.consume = 5}, false)) << "no bytes need no room";
}

TEST(ReplyBatchTest, NothingFollowsOneThatClosesIsInterimOrUsesItsNotes) {
  const struct {
    const char* what;
    Reply reply;
    bool uses_notes;
    Phase next;
    int requests;
  } cases[] = {
      {"closes", {.consume = 5, .bytes = "x", .keep_open = false}, false, Phase::kClosing, 1},
      {"interim", {.consume = 0, .bytes = "x", .interim = true}, false, Phase::kReading, 0},
      {"notes", {.consume = 5, .bytes = "x"}, true, Phase::kReading, 1},
  };
  for (const auto& [what, reply, uses_notes, next, requests] : cases) {
    Batch batch(100);
    ASSERT_TRUE(batch.replies.Add(reply, uses_notes)) << what;
    EXPECT_FALSE(batch.replies.open()) << what;
    EXPECT_EQ(batch.replies.Plan(Phase::kReading).end.next, next) << what;
    EXPECT_EQ(batch.replies.Plan(Phase::kReading).end.requests, requests) << what;
  }
}

TEST(ReplyBatchTest, OneThatClosesLingersWhereTheClientMayStillSend) {
  for (const bool linger : {false, true}) {
    for (const std::size_t input : {5u, 6u}) {
      Batch batch(input);
      ASSERT_TRUE(batch.replies.Add({.consume = 5, .keep_open = false, .linger = linger}, false));
      EXPECT_TRUE(batch.replies.closes());
      EXPECT_EQ(batch.replies.lingers(), linger || input == 6);
    }
  }
}

TEST(ReplyBatchTest, AStepCountsNoMoreThan255Requests) {
  Batch batch(1000);
  int added = 0;
  while (batch.replies.open() && batch.replies.Add({.consume = 1}, false)) ++added;
  EXPECT_EQ(added, 255);
  EXPECT_EQ(batch.replies.Plan(Phase::kReading).end.requests, 255);
}

}  // namespace
}  // namespace hydrapool
