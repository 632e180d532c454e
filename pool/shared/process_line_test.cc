#include "pool/shared/process_line.h"

#include <gtest/gtest.h>

#include <vector>

namespace hydrapool {
namespace {

/// What a worker that another has taken over could write into what all share. (An explicit instantiation may
/// name what is private.)
template <auto kMember>
struct SpoiltMemory {
  friend auto& Shared(const ProcessLine& line) { return (line.*kMember)[0]; }
};
auto& Shared(const ProcessLine& line);
template struct SpoiltMemory<&ProcessLine::shared_>;

TEST(ProcessLineTest, FirstComeFirstServed) {
  const ProcessLine line(16);
  for (const std::uint32_t slot : {7u, 3u, 11u}) EXPECT_TRUE(line.Join(slot, 8, 100 + slot));
  EXPECT_EQ(line.First(8), (std::vector<std::uint32_t>{7, 3, 11}));
  EXPECT_EQ(line.First(2), (std::vector<std::uint32_t>{7, 3}));
  EXPECT_EQ(line.Before(7), 0u);
  EXPECT_EQ(line.Before(11), 2u);
  line.Leave(7);
  EXPECT_EQ(line.Before(11), 1u);
  EXPECT_EQ(line.size(), 2u);
}

TEST(ProcessLineTest, WhoDoesNotWaitComesAfterAll) {
  const ProcessLine line(4);
  EXPECT_EQ(line.Before(0), 0u);
  EXPECT_TRUE(line.Join(2, 4, 1));
  EXPECT_EQ(line.Before(0), 1u);
  EXPECT_FALSE(line.Holds(0));
}

TEST(ProcessLineTest, AnotherWorkerFindsTheTurnOfTheOneBefore) {
  const ProcessLine line(4);
  EXPECT_TRUE(line.Join(1, 2, 50));
  EXPECT_TRUE(line.Join(2, 2, 60));
  EXPECT_TRUE(line.Join(1, 2, 70));
  EXPECT_EQ(line.Since(1), 50);
  EXPECT_EQ(line.Before(1), 0u);
}

TEST(ProcessLineTest, WhoHasSteppedOutKeepsItsTurn) {
  const ProcessLine line(8);
  for (const std::uint32_t slot : {4u, 5u, 6u}) EXPECT_TRUE(line.Join(slot, 8, 100 + slot));
  line.StepOut(4);
  EXPECT_EQ(line.Before(5), 0u);
  EXPECT_EQ(line.First(8), (std::vector<std::uint32_t>{5, 6}));
  EXPECT_EQ(line.size(), 2u);
  EXPECT_TRUE(line.Holds(4));
  EXPECT_TRUE(line.Join(7, 8, 200));
  line.StepBack(4);
  EXPECT_EQ(line.First(8), (std::vector<std::uint32_t>{4, 5, 6, 7}));
  EXPECT_EQ(line.Since(4), 104);
  line.StepOut(4);
  line.Leave(4);
  line.StepBack(4);
  EXPECT_FALSE(line.Holds(4));
}

TEST(ProcessLineTest, SteppingOutIsNoReturnForWhoHasLeft) {
  const ProcessLine line(8);
  EXPECT_TRUE(line.Join(4, 8, 1));
  line.Leave(4);
  line.StepOut(4);
  line.StepBack(4);
  EXPECT_FALSE(line.Holds(4));
  EXPECT_EQ(line.size(), 0u);
}

TEST(ProcessLineTest, TellsWhatEachWaitsFor) {
  const ProcessLine line(8);
  EXPECT_TRUE(line.Join(5, 8, 1));
  EXPECT_FALSE(line.apart());
  EXPECT_TRUE(
      line.Join(2, 8, 2, {.party = {.group = 7, .client = 9}, .most_of_group = 3, .most_of_client = 4}));
  EXPECT_TRUE(line.apart());
  const auto waiting = line.Waiting();
  ASSERT_EQ(waiting.size(), 2u);
  EXPECT_EQ(waiting[0].slot, 5u);
  EXPECT_EQ(waiting[0].rules.party, ProcessParty{});
  EXPECT_EQ(waiting[1].slot, 2u);
  EXPECT_EQ(waiting[1].rules.party, (ProcessParty{7, 9}));
  EXPECT_EQ(waiting[1].rules.most_of_group, 3u);
  EXPECT_EQ(waiting[1].rules.most_of_client, 4u);
}

TEST(ProcessTurnsTest, WhoWaitsForItsOwnPartyHoldsUpNobodyElse) {
  const auto of_group = [](std::uint32_t slot, std::uint32_t group, std::uint32_t most) {
    return WaitingProcess{slot, {.party = {.group = group}, .most_of_group = most}};
  };
  const std::vector<WaitingProcess> waiting{
      of_group(1, 7, 2), of_group(2, 7, 2), {3, {}}, of_group(4, 8, 1), {5, {}}};
  using Slots = std::vector<std::uint32_t>;
  EXPECT_EQ(InTurn(9, {}, waiting), (Slots{1, 2, 3, 4, 5}));
  EXPECT_EQ(InTurn(9, {{7, 0}}, waiting), (Slots{1, 3, 4, 5}));
  EXPECT_EQ(InTurn(9, {{7, 0}, {7, 0}, {8, 1}}, waiting), (Slots{3, 5}));
  EXPECT_EQ(InTurn(2, {{7, 0}, {7, 0}}, waiting), (Slots{3, 4})) << "first come, first served";
  EXPECT_EQ(InTurn(0, {}, waiting), Slots{});
}

TEST(ProcessTurnsTest, BothLimitsOfAPartyHold) {
  const PlaceRules rules{.party = {.group = 7, .client = 9}, .most_of_group = 2, .most_of_client = 1};
  const auto reached = [&](std::vector<ProcessParty> running) { return Reached(rules, running); };
  EXPECT_EQ(reached({}), PartyLimit::kNone);
  EXPECT_EQ(reached({{7, 1}, {0, 0}, {6, 8}}), PartyLimit::kNone);
  EXPECT_EQ(reached({{6, 9}}), PartyLimit::kClient);
  EXPECT_EQ(reached({{7, 1}, {7, 2}}), PartyLimit::kGroup);
  EXPECT_EQ(Reached({}, std::vector<ProcessParty>(4)), PartyLimit::kNone);
}

TEST(ProcessLineTest, APartyWithALimitFillsAQuarterOfIt) {
  const ProcessLine line(16);
  const PlaceRules rules{.party = {.client = 5}, .most_of_client = 1};
  const PlaceRules others{.party = {.client = 6}, .most_of_client = 1};
  EXPECT_TRUE(line.Join(1, 8, 1, rules));
  EXPECT_TRUE(line.Join(2, 8, 2, rules));
  EXPECT_FALSE(line.Join(3, 8, 3, rules));
  EXPECT_TRUE(line.Join(2, 8, 4, rules)) << "it stays";
  EXPECT_TRUE(line.Join(4, 8, 5, others));
  EXPECT_TRUE(line.Join(5, 8, 6)) << "and those without a party";
  line.Leave(1);
  EXPECT_TRUE(line.Join(3, 8, 7, rules));
}

TEST(ProcessLineTest, NobodyWalksOutOfItAtAWorkersWord) {
  const ProcessLine line(4);
  EXPECT_TRUE(line.Join(1, 2, 1));
  Shared(line).used = 0xffff'ffff;
  EXPECT_EQ(line.size(), 1u);
  EXPECT_EQ(line.Before(2), 1u);
  EXPECT_EQ(line.First(9), std::vector<std::uint32_t>{1});
  EXPECT_EQ(line.Waiting().size(), 1u);
}

TEST(ProcessLineTest, IsBounded) {
  const ProcessLine line(4);
  EXPECT_TRUE(line.Join(0, 1, 1));
  EXPECT_FALSE(line.Join(1, 1, 1));
  EXPECT_FALSE(line.Join(2, 0, 1));
  line.Leave(0);
  line.Leave(0);
  EXPECT_TRUE(line.Join(1, 1, 1));
  EXPECT_EQ(line.Since(0), 0);
}

}  // namespace
}  // namespace hydrapool
