#include "pool/shared/death_journal.h"

#include <gtest/gtest.h>

namespace hydrapool {
namespace {

TEST(DeathJournalTest, KeepsTheLastTheNewestFirst) {
  DeathJournal journal;
  EXPECT_TRUE(journal.kept().empty());
  for (std::uint32_t i = 0; i < DeathJournal::kMost + 3; ++i) journal.Add({.slot = i});
  const auto kept = journal.kept();
  ASSERT_EQ(kept.size(), DeathJournal::kMost);
  EXPECT_EQ(kept.front().slot, DeathJournal::kMost + 2);
  EXPECT_EQ(kept.back().slot, 3u);
}

}  // namespace
}  // namespace hydrapool
