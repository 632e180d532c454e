#include "harness/echo/echo_ledger.h"

#include <gtest/gtest.h>

namespace hydrapool::harness {
namespace {

std::uint64_t FatesOf(const EchoCounts& c) {
  return c.ok + c.wrong + c.refused_status + c.reset + c.eof + c.unanswered;
}

struct EchoLedgerTest : testing::Test {
  ~EchoLedgerTest() override { EXPECT_EQ(counts().sent, FatesOf(counts()) + line.size()); }
  [[nodiscard]] const EchoCounts& counts() const { return ledger.counts(); }
  EchoLedger ledger;
  EchoLedger::Line line;
};

TEST_F(EchoLedgerTest, AnswersInOrderAreOk) {
  const auto first = ledger.Send(line, 10);
  const auto second = ledger.Send(line, 20);
  ledger.TakeAnswer(line, first, 35);
  ledger.TakeAnswer(line, second, 40);
  EXPECT_EQ(counts().ok, 2u);
  EXPECT_EQ(counts().worst_wait, 25);
  EXPECT_TRUE(counts().exact());
}

TEST_F(EchoLedgerTest, ASecondAnswerIsADuplicateWhateverIsAskedMeanwhile) {
  const auto id = ledger.Send(line, 0);
  ledger.TakeAnswer(line, id, 1);
  ledger.TakeAnswer(line, id, 2);
  const auto next = ledger.Send(line, 3);
  ledger.TakeAnswer(line, id, 4);
  ledger.TakeAnswer(line, next, 5);
  EXPECT_EQ(counts().duplicate, 2u);
  EXPECT_EQ(counts().ok, 2u);
  EXPECT_FALSE(counts().exact());
}

TEST_F(EchoLedgerTest, AnswersWhenNothingIsAskedAreExtra) {
  ledger.TakeAnswer(line, 77, 0);
  ledger.TakeAnswer(line, 0, 0);
  ledger.TakeAnswer(line, std::nullopt, 0);
  ledger.TakeRefusal(line, 0, 503);
  EXPECT_EQ(counts().extra, 4u);
}

TEST_F(EchoLedgerTest, AnotherConnectionsAnswerIsWrongAndCostsOnlyItsRequest) {
  EchoLedger::Line other;
  const auto theirs = ledger.Send(other, 0);
  ledger.Send(line, 0);
  const auto second = ledger.Send(line, 0);
  ledger.TakeAnswer(line, theirs, 1);
  ledger.TakeAnswer(line, second, 1);
  ledger.TakeAnswer(other, theirs, 1);
  EXPECT_EQ(counts().wrong, 1u);
  EXPECT_EQ(counts().ok, 2u);
}

TEST_F(EchoLedgerTest, AGarbledAnswerIsWrong) {
  ledger.Send(line, 0);
  ledger.TakeAnswer(line, std::nullopt, 1);
  EXPECT_EQ(counts().wrong, 1u);
}

TEST_F(EchoLedgerTest, ADroppedRequestIsOneUnanswered) {
  ledger.Send(line, 0);
  const auto second = ledger.Send(line, 0);
  const auto third = ledger.Send(line, 0);
  ledger.TakeAnswer(line, second, 1);
  ledger.TakeAnswer(line, third, 1);
  EXPECT_EQ(counts().unanswered, 1u);
  EXPECT_EQ(counts().wrong, 1u);
  EXPECT_EQ(counts().ok, 1u);
}

TEST_F(EchoLedgerTest, ARefusalIsAFateOfItsOwn) {
  const auto id = ledger.Send(line, 0);
  ledger.TakeRefusal(line, 0, 503);
  EXPECT_EQ(counts().refused_status, 1u);
  EXPECT_FALSE(counts().exact());
  ledger.TakeAnswer(line, id, 1);
  EXPECT_EQ(counts().duplicate, 1u);
}

TEST_F(EchoLedgerTest, WhatIsInTheLineIsLostWithItsConnection) {
  for (const Loss how : {Loss::kReset, Loss::kEof, Loss::kEof, Loss::kUnanswered}) {
    ledger.Send(line, 0);
    ledger.Lose(line, how, 0);
  }
  EXPECT_EQ(counts().reset, 1u);
  EXPECT_EQ(counts().eof, 2u);
  EXPECT_EQ(counts().unanswered, 1u);
  EXPECT_EQ(counts().lost(), 4u);
}

TEST(EchoLedgerCountTest, NoneStopsWhereFailuresAreNoLongerKept) {
  EchoLedger ledger;
  EchoLedger::Line line;
  constexpr std::uint64_t kMore = 25;
  for (std::uint64_t i = 0; i < EchoLedger::kMostKept + kMore; ++i) {
    static_cast<void>(ledger.Send(line, 1));
    ledger.Lose(line, Loss::kEof, 2);
  }
  static_cast<void>(ledger.Send(line, 1));
  ledger.Lose(line, Loss::kReset, 2, true);
  for (const int status : {503, 404, 404}) {
    static_cast<void>(ledger.Send(line, 1));
    ledger.TakeRefusal(line, 2, status);
  }
  EXPECT_EQ(ledger.failures().size(), EchoLedger::kMostKept);
  EXPECT_EQ(ledger.unkept(), (UnkeptFailures{.lost = kMore, .cut = 1, .abandoned = 1, .refused = 2}));
  EXPECT_EQ(ledger.failures().size() + ledger.unkept().total(),
            ledger.counts().lost() + ledger.counts().refused_status);
}

TEST(EchoLedgerCountTest, WhatItsOwnClientGivesUpIsNotLost) {
  EchoLedger ledger;
  EchoLedger::Line line;
  static_cast<void>(ledger.Send(line, 1));
  static_cast<void>(ledger.Send(line, 1));
  ledger.GiveUp(line);
  EXPECT_EQ(ledger.counts().given_up, 2u);
  EXPECT_TRUE(ledger.counts().exact());
  EXPECT_TRUE(line.empty());
}

}  // namespace
}  // namespace hydrapool::harness
