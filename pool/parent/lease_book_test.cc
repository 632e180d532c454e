#include "pool/parent/lease_book.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <optional>
#include <set>
#include <vector>

namespace hydrapool {
namespace {

class LeaseBookTest : public testing::Test {
 protected:
  std::uint32_t Open() {
    sys::UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
    return book_.Open(fd, 1).value();
  }
  [[nodiscard]] LeaseWord Word(std::uint32_t slot) const { return table_.lease(slot).Load(); }

  LeaseTable table_{3};
  LeaseBook book_{table_, 2};
};

TEST_F(LeaseBookTest, AnOpenedLeaseIsIdleAndNobodys) {
  const std::uint32_t slot = Open();
  EXPECT_EQ(Word(slot).phase, Phase::kIdle);
  EXPECT_EQ(Word(slot).steps, 0u);
  EXPECT_EQ(book_.owner(slot), kNoWorker);
  EXPECT_GE(book_.fd(slot), 0);
  EXPECT_EQ(book_.open(), 1u);
}

TEST_F(LeaseBookTest, AFullTableLeavesTheDescriptorTheCallers) {
  const std::set<std::uint32_t> slots{Open(), Open(), Open()};
  EXPECT_EQ(slots.size(), 3u);
  EXPECT_TRUE(book_.full());
  sys::UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
  EXPECT_EQ(book_.Open(fd, 1), std::nullopt);
  EXPECT_TRUE(fd);
}

TEST_F(LeaseBookTest, AFreedSlotIsUsedAgainWithAnotherGenerationAndNothingOfItsPast) {
  const std::uint32_t slot = Open();
  const LeaseWord before = Word(slot);
  table_.lease(slot).step[0] = {1, 2, 3, 4};
  table_.lease(slot).excuse = Excuse::kPoison;
  table_.detail(slot).deadline = 5;
  table_.detail(slot).process = 6;
  table_.detail(slot).handler[0] = std::byte{7};
  book_.rescues(slot).Of(0).strikes = 1;
  book_.SetOwner(slot, 1);
  book_.Free(slot);
  EXPECT_EQ(Word(slot).phase, Phase::kFree);
  EXPECT_LT(book_.fd(slot), 0);
  EXPECT_EQ(book_.leases_of(1), 0u);

  ASSERT_EQ(Open(), slot);
  EXPECT_NE(Word(slot).generation, before.generation);
  EXPECT_EQ(table_.lease(slot).excuse, Excuse::kNone);
  EXPECT_EQ(table_.lease(slot).NextBase(1).sent_base, 0u);
  EXPECT_EQ(table_.detail(slot).deadline, 0);
  EXPECT_EQ(table_.detail(slot).process, 0u);
  EXPECT_EQ(table_.detail(slot).handler[0], std::byte{0});
  EXPECT_EQ(book_.rescues(slot).Of(0).strikes, 0u);
}

TEST_F(LeaseBookTest, AnIdleLeaseIsTakenFromItsOwnerWhoThenCannotClaimIt) {
  const std::uint32_t slot = Open();
  book_.SetOwner(slot, 0);
  const LeaseWord before = Word(slot);
  EXPECT_TRUE(book_.Take(slot, table_.lease(slot).Load()));
  EXPECT_EQ(book_.owner(slot), kNoWorker);
  EXPECT_EQ(Word(slot).phase, Phase::kIdle);
  EXPECT_FALSE(table_.lease(slot).Swap(before, {before.steps, before.generation, Phase::kReading}));
}

TEST_F(LeaseBookTest, ABusyLeaseCannotBeTaken) {
  const std::uint32_t slot = Open();
  book_.SetOwner(slot, 0);
  for (const Phase phase : {Phase::kReading, Phase::kExecuting, Phase::kExecutingOnce, Phase::kFeeding,
                            Phase::kResponding, Phase::kClosing, Phase::kClosed}) {
    const LeaseWord word{1, Word(slot).generation, phase};
    table_.lease(slot).Store(word);
    EXPECT_FALSE(book_.Take(slot, table_.lease(slot).Load()));
    EXPECT_EQ(Word(slot).Pack(), word.Pack());
    EXPECT_EQ(book_.owner(slot), 0u);
  }
}

TEST_F(LeaseBookTest, RelendingChangesTheGenerationAndKeepsAVerdictThatIsOwed) {
  const std::uint32_t slot = Open();
  book_.SetOwner(slot, 0);
  const LeaseWord word{4, Word(slot).generation, Phase::kResponding};
  book_.Relend(slot, word, Excuse::kAbandoned);
  EXPECT_EQ(Word(slot).steps, 4u);
  EXPECT_EQ(Word(slot).phase, Phase::kResponding);
  EXPECT_NE(Word(slot).generation, word.generation);
  EXPECT_EQ(book_.owner(slot), kNoWorker);
  book_.Relend(slot, Word(slot), Excuse::kNone);  // its next worker died too
  EXPECT_EQ(table_.lease(slot).excuse, Excuse::kAbandoned);
}

TEST_F(LeaseBookTest, GenerationsGoRoundWithoutTouchingTheSteps) {
  const std::uint32_t slot = Open();
  table_.lease(slot).Store({9, LeaseWord::kGenerationMask, Phase::kIdle});
  EXPECT_TRUE(book_.Take(slot, table_.lease(slot).Load()));
  EXPECT_EQ(Word(slot).generation, 0u);
  EXPECT_EQ(Word(slot).steps, 9u);
}

TEST_F(LeaseBookTest, ARescueIsKnownAgainOverTheLastGeneration) {
  const std::uint32_t slot = Open();
  table_.lease(slot).Store({UINT32_MAX, LeaseWord::kGenerationMask - 2, Phase::kReading});
  for (int rescue = 1; rescue <= 5; ++rescue) {
    book_.SetOwner(slot, 0);
    const LeaseWord dead{UINT32_MAX, Word(slot).generation, Phase::kReading};
    table_.lease(slot).Store(dead);
    EXPECT_FALSE(book_.rescues(slot).IsAsRescued(dead)) << rescue;
    ++book_.rescues(slot).ForRescue(dead, 0).rescues;
    EXPECT_EQ(++book_.rescues(slot).ForRescue(dead, 0).rescues, static_cast<std::uint32_t>(rescue))
        << "the next parent does the same rescue again";
    book_.Relend(slot, {UINT32_MAX, dead.generation, Phase::kIdle}, Excuse::kNone);
    EXPECT_TRUE(book_.rescues(slot).IsAsRescued(Word(slot))) << rescue;
  }
  EXPECT_EQ(Word(slot).generation, 2u);
}

TEST_F(LeaseBookTest, ALeaseOnWhichARequestWasAnsweredSinceItsRescueIsNotAsRescued) {
  const std::uint32_t slot = Open();
  book_.Relend(slot, {7, Word(slot).generation, Phase::kIdle}, Excuse::kNone);
  EXPECT_TRUE(book_.rescues(slot).IsAsRescued(Word(slot)));
  table_.lease(slot).Store({8, Word(slot).generation, Phase::kIdle});
  EXPECT_FALSE(book_.rescues(slot).IsAsRescued(Word(slot)));
}

TEST_F(LeaseBookTest, KnowsWhoHoldsWhat) {
  const std::uint32_t a = Open();
  const std::uint32_t b = Open();
  const std::uint32_t c = Open();
  book_.SetOwner(a, 0);
  book_.SetOwner(b, 1);
  book_.SetOwner(c, 0);
  EXPECT_EQ(book_.SlotsOf(0), (std::vector{a, c}));
  EXPECT_EQ(book_.SlotsOf(1), (std::vector{b}));
  EXPECT_EQ(book_.leases_of(0), 2u);
  book_.SetOwner(c, 1);
  EXPECT_EQ(book_.leases_of(0), 1u);
  EXPECT_EQ(book_.leases_of(1), 2u);
  book_.Free(b);
  EXPECT_EQ(book_.SlotsOf(1), (std::vector{c}));
  EXPECT_EQ(book_.OpenSlots(), (std::vector{a, c}));
}

TEST_F(LeaseBookTest, AStepCompletedForgetsStrikes) {
  const std::uint32_t slot = Open();
  book_.rescues(slot).Of(3).strikes = 1;
  EXPECT_EQ(book_.rescues(slot).Of(3).strikes, 1u);
  EXPECT_EQ(book_.rescues(slot).Of(4).strikes, 0u);
  book_.rescues(slot).Of(4).strikes = 1;
  EXPECT_EQ(book_.rescues(slot).Of(4, 77).strikes, 1u) << "it has started its process since";
  EXPECT_EQ(book_.rescues(slot).Of(9, 77).strikes, 1u) << "and its process has answered a part";
  EXPECT_EQ(book_.rescues(slot).Of(12, 78).strikes, 0u);
  book_.rescues(slot).Of(12, 78).strikes = 1;
  EXPECT_EQ(book_.rescues(slot).Of(13).strikes, 0u);
}

}  // namespace
}  // namespace hydrapool
