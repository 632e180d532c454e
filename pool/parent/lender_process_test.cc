// Whom leases are lent to, with processes that take nothing out of their channels for workers.
#include "pool/parent/lender.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <set>
#include <utility>
#include <vector>

#include "pool/parent/test_pool.h"

namespace hydrapool {
namespace {

constexpr std::size_t kLeases = 256;

class LenderTest : public testing::Test {
 protected:
  /// A worker that is ready, and waits for its end.
  WorkerHandle& AddWorker(std::uint32_t seat) {
    WorkerHandle& worker = seats_.Settle(seat);
    const auto work = [&worker](sys::Channel channel) {
      worker.life().state = WorkerState::kReady;
      pollfd end{channel.fd(), POLLRDHUP, 0};
      while (::poll(&end, 1, -1) < 0) {
      }
      return 0;
    };
    worker.Start(loop_, seat, {.work = work, .on_message = [] {}, .on_death = [] {}});
    EXPECT_TRUE(test::Eventually([&] { return worker.life().state == WorkerState::kReady; }));
    return worker;
  }
  std::uint32_t Open() {
    sys::UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
    return leases_.book.Open(fd, 1).value();
  }
  std::uint32_t Lend() {
    const std::uint32_t slot = Open();
    lender_.LendIdle(slot);
    return slot;
  }
  std::uint32_t Unassigned() {
    lender_.FlushAll();
    return scoreboard_.counts().unassigned;
  }

  sys::EventLoop loop_;
  Scoreboard scoreboard_{2, 1};
  Leases leases_{kLeases, scoreboard_.lives().size(), kLeases, loop_, scoreboard_.counts()};
  Seats seats_{scoreboard_, kLeases};
  Lender lender_{leases_, seats_, scoreboard_, Balance::kLeastBusy};
};

TEST_F(LenderTest, EachWorkerGetsItsShare) {
  const WorkerHandle& a = AddWorker(0);
  const WorkerHandle& b = AddWorker(1);
  for (int i = 0; i < 10; ++i) Lend();
  lender_.FlushAll();
  EXPECT_EQ(leases_.book.leases_of(a.number()), 5u);
  EXPECT_EQ(leases_.book.leases_of(b.number()), 5u);
  EXPECT_EQ(scoreboard_.slot(0).leases, 5u);
  EXPECT_EQ(scoreboard_.slot(1).connections_leased.value(), 5u);
  EXPECT_EQ(scoreboard_.counts().dispatch_seconds.total(), 10u);
}

TEST_F(LenderTest, WithoutAWorkerTheyWaitInOrderAndExpire) {
  const std::uint32_t first = Lend();
  const std::uint32_t second = Lend();
  EXPECT_EQ(Unassigned(), 2u);
  EXPECT_EQ(lender_.TakeExpired(0), std::nullopt);
  EXPECT_EQ(lender_.TakeExpired(INT64_MAX), first);
  const WorkerHandle& worker = AddWorker(0);
  lender_.LendWaiting();
  EXPECT_EQ(Unassigned(), 0u);
  EXPECT_EQ(leases_.book.owner(second), worker.number());
}

TEST_F(LenderTest, AHandleWithoutAProcessGetsNothing) {
  WorkerHandle& empty = seats_.Settle(0);
  empty.life().Begin(0, 1);
  empty.life().state = WorkerState::kReady;
  Lend();
  EXPECT_EQ(Unassigned(), 1u);
}

TEST_F(LenderTest, AWorkerThatTakesNothingIsGivenNoMoreThanItsChannelsShare) {
  WorkerHandle& worker = AddWorker(0);
  for (std::size_t i = 0; i < kMaxUntaken + 5; ++i) Lend();
  EXPECT_EQ(Unassigned(), 5u);
  EXPECT_FALSE(worker.line().HasRoom());
  lender_.LendWaiting();
  EXPECT_EQ(scoreboard_.bell().parent_wants_room, 1u) << "it rings when it has taken some";
  EXPECT_EQ(Unassigned(), 5u);
  worker.life().taken = 3;
  lender_.LendWaiting();
  EXPECT_EQ(Unassigned(), 2u);
}

TEST_F(LenderTest, WhatIsTakenBackBeforeItIsSentIsNotSent) {
  const WorkerHandle& worker = AddWorker(0);
  const std::uint32_t slot = Lend();
  Lend();
  ASSERT_EQ(worker.life().told, 2u);
  ASSERT_TRUE(leases_.TakeIdle(slot));
  lender_.FlushAll();
  EXPECT_EQ(worker.life().told, 1u);
  EXPECT_EQ(scoreboard_.slot(0).connections_leased.value(), 1u);
}

/// A program that a worker has offered to the parent for a lease, and that waits for a signal.
class OfferedProgram {
 public:
  OfferedProgram(Leases& leases, std::uint32_t slot) : leases_(leases), slot_(slot) {
    std::array<int, 2> output{};
    EXPECT_EQ(::pipe2(output.data(), O_CLOEXEC | O_NONBLOCK), 0);
    parents_.Reset(output[0]);
    programs_.Reset(output[1]);
    leases_.table.detail(slot).last_process = child_.pid();
  }
  void Offer() {
    ProcessEnds ends;
    ends[static_cast<std::size_t>(ProcessEnd::kOutput)] = std::move(parents_);
    leases_.keeper.OnMessage({.slot = slot_, .kind = ToParent::Kind::kOffer}, std::move(ends));
  }
  void LetGo() {
    leases_.keeper.OnMessage({.slot = slot_, .kind = ToParent::Kind::kLetGo, .pid = child_.pid()}, {});
  }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  /// What it writes is read on.
  [[nodiscard]] bool HasReader() const {
    pollfd end{programs_.get(), POLLOUT, 0};
    return ::poll(&end, 1, 0) == 1 && end.revents == POLLOUT;
  }

 private:
  Leases& leases_;
  std::uint32_t slot_;
  sys::UniqueFd parents_;
  sys::UniqueFd programs_;
  const sys::Child child_ = sys::Child::Fork([] { return ::pause(); });
};

TEST_F(LenderTest, WhatAWorkerHasSaidIsHeardBeforeItsLeaseIsTaken) {
  const WorkerHandle& worker = AddWorker(0);
  const std::uint32_t slot = Lend();
  OfferedProgram program(leases_, slot);
  std::vector<std::uint32_t> heard;
  leases_.hear = [&](std::uint32_t number) {
    heard.push_back(number);
    EXPECT_EQ(leases_.book.owner(slot), number) << "it still holds";
    program.Offer();
    program.LetGo();
  };
  ASSERT_TRUE(leases_.TakeIdle(slot));
  EXPECT_EQ(heard, std::vector<std::uint32_t>{worker.number()});
  EXPECT_TRUE(program.HasReader());
  const std::uint32_t other = Lend();
  ASSERT_TRUE(leases_.TakeIdle(other));
  EXPECT_EQ(heard.size(), 1u) << "it has run no process";
}

TEST_F(LenderTest, WhatAWorkerHasSaidIsHeardBeforeItsClosedLeaseIsFree) {
  WorkerHandle& worker = AddWorker(0);
  const std::uint32_t slot = Lend();
  OfferedProgram program(leases_, slot);
  Lease& lease = leases_.table.lease(slot);
  lease.Store({1, lease.Load().generation, Phase::kClosed});
  leases_.hear = [&](std::uint32_t) {
    EXPECT_EQ(lease.Load().phase, Phase::kClosed);
    program.Offer();
    program.LetGo();
  };
  worker.line().ring().Put({slot, false});
  lender_.Collect(worker);
  EXPECT_EQ(lease.Load().phase, Phase::kFree);
  EXPECT_TRUE(program.HasReader());
}

TEST_F(LenderTest, ALeaseWhoseOwnerServesOnWhileItIsHeardIsNotTaken) {
  AddWorker(0);
  const std::uint32_t slot = Lend();
  OfferedProgram program(leases_, slot);
  Lease& lease = leases_.table.lease(slot);
  leases_.hear = [&](std::uint32_t) {  // another request, another program, of which it has said something
    const LeaseWord word = lease.Load();
    lease.Store({word.steps + 1, word.generation, Phase::kIdle});
  };
  EXPECT_FALSE(leases_.TakeIdle(slot));
  EXPECT_NE(leases_.book.owner(slot), kNoWorker);
}

// The channel was full, or the parent died over it.
TEST_F(LenderTest, AProgramWhoseWorkerCouldNotSayThatItIsLetGoIsLetFinish) {
  AddWorker(0);
  const std::uint32_t slot = Lend();
  OfferedProgram program(leases_, slot);
  program.Offer();
  ASSERT_TRUE(leases_.TakeIdle(slot));
  EXPECT_TRUE(program.HasReader());
  leases_.keeper.LetFinish(program.pid());  // it comes after all
  EXPECT_TRUE(program.HasReader());
}

TEST_F(LenderTest, AWorkerThatLeavesKeepsOnlyWhatItHasInHand) {
  WorkerHandle& leaver = AddWorker(0);
  std::set<std::uint32_t> slots;
  for (int i = 0; i < 4; ++i) slots.insert(Lend());
  lender_.FlushAll();
  Lease& busy = leases_.table.lease(*slots.begin());
  busy.Store({0, busy.Load().generation, Phase::kReading});
  leaver.life().state = WorkerState::kDraining;
  const WorkerHandle& successor = AddWorker(1);
  lender_.TakeAllIdle(leaver);
  EXPECT_EQ(leases_.book.leases_of(leaver.number()), 1u);
  EXPECT_EQ(leases_.book.owner(*slots.begin()), leaver.number());
  EXPECT_EQ(leases_.book.leases_of(successor.number()), 3u);
}

TEST_F(LenderTest, WhatAWorkerGivesBackIsFreedOrLentAgain) {
  WorkerHandle& worker = AddWorker(0);
  const std::uint32_t closed = Lend();
  const std::uint32_t released = Lend();
  const std::uint32_t foreign = Open();
  lender_.FlushAll();
  const std::uint32_t generation = leases_.table.lease(released).Load().generation;
  leases_.table.lease(closed).Store({1, leases_.table.lease(closed).Load().generation, Phase::kClosed});
  worker.line().ring().Put({.slot = closed, .released = false});
  worker.line().ring().Put({.slot = released, .released = true});
  worker.line().ring().Put({.slot = foreign, .released = true});
  worker.line().ring().Put({.slot = kLeases, .released = false});
  EXPECT_FALSE(worker.line().ring().empty());
  lender_.Collect(worker);
  EXPECT_LT(leases_.book.fd(closed), 0);
  EXPECT_EQ(leases_.book.owner(released), worker.number());
  EXPECT_NE(leases_.table.lease(released).Load().generation, generation);
  EXPECT_EQ(leases_.book.owner(foreign), kNoWorker) << "not its own";
}

TEST_F(LenderTest, IdleLeasesMoveToAWorkerThatHasFew) {
  const WorkerHandle& full = AddWorker(0);
  for (int i = 0; i < 8; ++i) Lend();
  lender_.FlushAll();
  const WorkerHandle& empty = AddWorker(1);
  lender_.EvenOut();
  EXPECT_EQ(leases_.book.leases_of(full.number()), 4u);
  EXPECT_EQ(leases_.book.leases_of(empty.number()), 4u);
  EXPECT_EQ(scoreboard_.counts().moved.value(), 4u);
}

TEST_F(LenderTest, TheEndOfAProcessIsToldToWhomItsLeaseIsLent) {
  const WorkerHandle& worker = AddWorker(0);
  const std::uint32_t slot = Lend();
  lender_.FlushAll();
  lender_.TellProcessEnded(slot);
  lender_.TellProcessEnded(Open());
  EXPECT_EQ(worker.life().told, 2u);
  lender_.FlushAll();
  EXPECT_EQ(scoreboard_.slot(0).connections_leased.value(), 1u) << "no lease was in that";
}

}  // namespace
}  // namespace hydrapool
