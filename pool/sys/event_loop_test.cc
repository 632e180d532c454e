#include "pool/sys/event_loop.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace hydrapool::sys {
namespace {

UniqueFd ReadyEvent() { return UniqueFd(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC)); }

TEST(EventLoopTest, CallsBackForWhatIsReadyAndSaysWhetherItDid) {
  EventLoop loop;
  const UniqueFd fd = ReadyEvent();
  std::uint32_t seen = 0;
  const auto watch = loop.Add(fd.get(), EPOLLIN, [&](std::uint32_t events) { seen |= events; });
  EXPECT_TRUE(loop.RunOnce(0));
  EXPECT_EQ(seen, std::uint32_t{EPOLLIN});
}

TEST(EventLoopTest, ADeadlineOfZeroDoesNotWait) {
  EventLoop loop;
  EXPECT_FALSE(loop.RunOnce(0));
}

TEST(EventLoopTest, ADeadlineEndsTheWait) {
  EventLoop loop;
  const Nanos deadline = Now() + 2 * kMillisecond;
  EXPECT_FALSE(loop.RunOnce(deadline));
  EXPECT_GE(Now(), deadline);
}

TEST(EventLoopTest, ThrowsForADescriptorThatEpollRefuses) {
  EventLoop loop;
  EXPECT_THROW((void)loop.Add(-1, EPOLLIN, [](std::uint32_t) {}), std::system_error);
  const UniqueFd fd = ReadyEvent();  // the failed registration must not have cost a place
  const auto watch = loop.Add(fd.get(), EPOLLIN, [](std::uint32_t) {});
  EXPECT_TRUE(loop.RunOnce(0));
}

TEST(EventLoopTest, ARegistrationMayEndInItsOwnCallback) {
  EventLoop loop;
  const UniqueFd fd = ReadyEvent();
  int calls = 0;
  EventLoop::Watch watch;
  const std::string payload(64, 'x');  // on the heap, so that use after free is seen
  watch = loop.Add(fd.get(), EPOLLIN, [&, payload](std::uint32_t) {
    watch.Reset();
    calls += payload.size() == 64;
  });
  EXPECT_TRUE(loop.RunOnce(0));
  EXPECT_FALSE(loop.RunOnce(0));
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(watch);
}

TEST(EventLoopTest, ARegistrationEndedByAnotherCallbackOfTheSameRoundIsNotCalled) {
  EventLoop loop;
  const UniqueFd a = ReadyEvent();
  const UniqueFd b = ReadyEvent();
  EventLoop::Watch watch_a;
  EventLoop::Watch watch_b;
  int calls = 0;
  watch_a = loop.Add(a.get(), EPOLLIN, [&](std::uint32_t) { ++calls, watch_b.Reset(); });
  watch_b = loop.Add(b.get(), EPOLLIN, [&](std::uint32_t) { ++calls, watch_a.Reset(); });
  loop.RunOnce(0);
  EXPECT_EQ(calls, 1);
}

TEST(EventLoopTest, AnEventOfAnEndedRegistrationDoesNotReachItsSuccessorInTheSamePlace) {
  EventLoop loop;
  const UniqueFd a = ReadyEvent();
  const UniqueFd b = ReadyEvent();
  const UniqueFd silent(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  EventLoop::Watch watch_a;
  EventLoop::Watch watch_b;
  int strange = 0;
  const auto stranger = [&](std::uint32_t) { ++strange; };
  watch_a =
      loop.Add(a.get(), EPOLLIN, [&](std::uint32_t) { watch_b = loop.Add(silent.get(), EPOLLIN, stranger); });
  watch_b =
      loop.Add(b.get(), EPOLLIN, [&](std::uint32_t) { watch_a = loop.Add(silent.get(), EPOLLIN, stranger); });
  loop.RunOnce(0);
  EXPECT_EQ(strange, 0);
}

TEST(EventLoopTest, ManyRegistrationsMadeInACallbackDoNotDisturbIt) {
  EventLoop loop;
  const UniqueFd fd = ReadyEvent();
  std::vector<UniqueFd> others;
  std::vector<EventLoop::Watch> watches;
  int calls = 0;
  const std::string payload(64, 'x');
  auto watch = loop.Add(fd.get(), EPOLLIN | EPOLLET, [&, payload](std::uint32_t) {
    for (int i = 0; i < 100; ++i) {
      others.push_back(ReadyEvent());
      watches.push_back(loop.Add(others.back().get(), EPOLLIN | EPOLLET, [&](std::uint32_t) { ++calls; }));
    }
    calls += payload.size() == 64;
  });
  loop.RunOnce(0);
  EXPECT_EQ(calls, 1);
  loop.RunOnce(0);
  EXPECT_EQ(calls, 101);
}

TEST(EventLoopTest, ADescriptorCanBeAddedAgainAfterItsRegistrationEnded) {
  EventLoop loop;
  const UniqueFd fd = ReadyEvent();
  int calls = 0;
  auto watch = loop.Add(fd.get(), EPOLLIN, [&](std::uint32_t) { calls += 1; });
  watch.Reset();
  watch = loop.Add(fd.get(), EPOLLIN, [&](std::uint32_t) { calls += 10; });
  loop.RunOnce(0);
  EXPECT_EQ(calls, 10);
}

TEST(EventLoopTest, EdgeTriggeredReportsEachArrivalOnce) {
  EventLoop loop;
  const UniqueFd fd = ReadyEvent();
  int calls = 0;
  const auto watch = loop.Add(fd.get(), EPOLLIN | EPOLLET, [&](std::uint32_t) { ++calls; });
  loop.RunOnce(0);
  loop.RunOnce(0);
  EXPECT_EQ(calls, 1);
  ASSERT_EQ(::eventfd_write(fd.get(), 1), 0);
  loop.RunOnce(0);
  EXPECT_EQ(calls, 2);
}

TEST(EventLoopTest, ModifyChangesWhatIsReportedAndKeepsTheCallback) {
  EventLoop loop;
  const UniqueFd fd = ReadyEvent();
  std::uint32_t seen = 0;
  auto watch = loop.Add(fd.get(), EPOLLIN, [&](std::uint32_t events) { seen = events; });
  watch.Modify(EPOLLOUT);
  loop.RunOnce(0);
  EXPECT_EQ(seen, std::uint32_t{EPOLLOUT});
}

TEST(EventLoopTest, AMovedWatchStaysRegisteredAndTheOneItReplacedEnds) {
  EventLoop loop;
  const UniqueFd a = ReadyEvent();
  const UniqueFd b = ReadyEvent();
  int calls = 0;
  auto first = loop.Add(a.get(), EPOLLIN, [&](std::uint32_t) { calls += 1; });
  auto second = loop.Add(b.get(), EPOLLIN, [&](std::uint32_t) { calls += 10; });
  first = std::move(second);
  loop.RunOnce(0);
  EXPECT_EQ(calls, 10);
}

TEST(EventLoopTest, TimersRunInTheOrderOfTheirTimesAndEqualOnesAsTheyWereMade) {
  EventLoop loop;
  std::string order;
  const Nanos now = Now();
  const auto c = loop.At(now - 1, [&] { order += 'c'; });
  const auto a = loop.At(now - 3, [&] { order += 'a'; });
  const auto b = loop.At(now - 3, [&] { order += 'b'; });
  EXPECT_TRUE(loop.RunOnce());
  EXPECT_EQ(order, "abc");
}

TEST(EventLoopTest, ATimerCallsBackOnceAndIsThenOver) {
  EventLoop loop;
  int calls = 0;
  const auto timer = loop.At(0, [&] { ++calls; });
  EXPECT_TRUE(timer);
  loop.RunOnce(0);
  loop.RunOnce(0);
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(timer);
}

TEST(EventLoopTest, ATimerIsNotEarly) {
  EventLoop loop;
  const Nanos due = Now() + 3 * kMillisecond;
  Nanos called = 0;
  const auto timer = loop.At(due, [&] { called = Now(); });
  while (called == 0) loop.RunOnce();
  EXPECT_GE(called, due);
}

TEST(EventLoopTest, ATimerThatWasResetOrDestroyedDoesNotRun) {
  EventLoop loop;
  int calls = 0;
  auto reset = loop.At(0, [&] { ++calls; });
  reset.Reset();
  {
    const auto destroyed = loop.At(0, [&] { ++calls; });
  }
  EXPECT_FALSE(loop.RunOnce(0));
  EXPECT_EQ(calls, 0);
}

TEST(EventLoopTest, ATimerMayCancelAnotherOfTheSameRoundAndMakeItselfAnew) {
  EventLoop loop;
  std::string order;
  EventLoop::Timer first;
  EventLoop::Timer second;
  first = loop.At(1, [&] {
    order += '1';
    second.Reset();
    first = loop.At(INT64_MAX, [&] { order += 'x'; });
  });
  second = loop.At(2, [&] { order += '2'; });
  loop.RunOnce(0);
  EXPECT_EQ(order, "1");
  EXPECT_TRUE(first);
}

TEST(EventLoopTest, NowIsTheSameThroughARound) {
  EventLoop loop;
  std::vector<Nanos> seen;
  const UniqueFd fd = ReadyEvent();
  const auto watch = loop.Add(fd.get(), EPOLLIN, [&](std::uint32_t) { seen.push_back(loop.now()); });
  const auto timer = loop.At(0, [&] { seen.push_back(loop.now()); });
  const Nanos before = Now();
  loop.RunOnce(0);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_GE(seen[0], before);
  EXPECT_LE(seen[0], Now());
}

}  // namespace
}  // namespace hydrapool::sys
