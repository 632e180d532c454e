#include "pool/sys/lifeline.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "pool/sys/child.h"
#include "pool/sys/test_tcp.h"

namespace hydrapool::sys {
namespace {

/// A process that is tied to `line` and never looks at anything.
Child Dependent(Lifeline& line, UniqueFd& tied) {
  std::array<int, 2> ends;
  EXPECT_EQ(::pipe(ends.data()), 0);
  UniqueFd told(ends[0]);
  Child child = Child::Fork([&]() -> int {
    line.CloseUpper();
    const bool done = Lifeline::Tie(line.PathOfLower().c_str(), ::getpid()) >= 0;
    if (::write(ends[1], done ? "y" : "n", 1) != 1) return 1;
    for (;;) ::pause();
  });
  ::close(ends[1]);
  char answer = 0;
  EXPECT_EQ(::read(told.get(), &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  tied = std::move(told);
  return child;
}

TEST(LifelineTest, EndsAllWhoAreTiedWhenItsLastHolderHasGone) {
  Lifeline line;
  UniqueFd first_told;
  UniqueFd second_told;
  Child first = Dependent(line, first_told);
  Child second = Dependent(line, second_told);
  UniqueFd other_holder(::dup(line.upper()));
  line.CloseUpper();
  EXPECT_FALSE(first.IsDead()) << "one holder is left";
  EXPECT_FALSE(second.IsDead());
  other_holder.Reset();
  for (Child* child : {&first, &second}) {
    ASSERT_TRUE(test::WaitFor(child->pidfd(), POLLIN));
    EXPECT_EQ(child->TryReap()->signal, SIGKILL);
  }
}

TEST(LifelineTest, EndsWhoIsTiedTooLate) {
  Lifeline line;
  const std::string path = line.PathOfLower();
  line.CloseUpper();
  Child child = Child::Fork([&] {
    Lifeline::Tie(path.c_str(), ::getpid());
    return 0;
  });
  ASSERT_TRUE(test::WaitFor(child.pidfd(), POLLIN));
  EXPECT_EQ(child.TryReap()->signal, SIGKILL);
}

TEST(LifelineTest, WithoutProcTiesNothing) { EXPECT_EQ(Lifeline::Tie("/no/such/file", ::getpid()), -1); }

}  // namespace
}  // namespace hydrapool::sys
