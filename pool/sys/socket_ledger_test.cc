#include "pool/sys/socket_ledger.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <random>
#include <string>

#include "pool/sys/child.h"
#include "pool/sys/shared_memory.h"
#include "pool/sys/test_tcp.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {
namespace {

class SocketLedgerTest : public ::testing::Test {
 protected:
  SocketLedgerTest() {
    std::array<int, 2> ends;
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    ours_.Reset(ends[0]);
    theirs_.Reset(ends[1]);
  }
  SocketLedger& ledger() { return shared_[0]; }
  /// How many bytes lie in the peer's end, taken out.
  std::uint32_t Drain() {
    std::array<char, 65'536> buffer;
    std::uint32_t all = 0;
    for (ssize_t some; (some = ::recv(theirs_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0;)
      all += static_cast<std::uint32_t>(some);
    return all;
  }

  SharedArray<SocketLedger> shared_{1};
  UniqueFd ours_;
  UniqueFd theirs_;
};

TEST_F(SocketLedgerTest, CountsWhatMovedAndNothingElse) {
  EXPECT_EQ(ledger().Send(ours_.get(), "0123456789", 10, MSG_NOSIGNAL), 10);
  EXPECT_EQ(ledger().Send(ours_.get(), "abc", 3, MSG_NOSIGNAL), 3);
  EXPECT_EQ(ledger().sent(), 13u);
  EXPECT_EQ(Drain(), 13u);
  EXPECT_EQ(ledger().Discard(ours_.get(), 5), -1);
  EXPECT_EQ(errno, EAGAIN);
  ASSERT_EQ(::send(theirs_.get(), "0123456789", 10, 0), 10);
  EXPECT_EQ(ledger().Discard(ours_.get(), 4), 4);
  EXPECT_EQ(ledger().Discard(ours_.get(), 100), 6);
  EXPECT_EQ(ledger().taken(), 10u);
  theirs_.Reset();
  EXPECT_EQ(ledger().Discard(ours_.get(), 5), 0);
  EXPECT_EQ(ledger().Send(ours_.get(), "x", 1, MSG_NOSIGNAL), -1);
  EXPECT_EQ(errno, EPIPE);
  EXPECT_EQ(ledger().sent(), 13u);
  EXPECT_EQ(ledger().taken(), 10u);
  ledger().Clear();
  EXPECT_EQ(ledger().sent(), 0u);
  EXPECT_EQ(ledger().taken(), 0u);
}

TEST_F(SocketLedgerTest, CountsAPartOfWhatWasAsked) {
  const std::string large(4 << 20, 'a');
  const ssize_t sent = ledger().Send(ours_.get(), large.data(), large.size(), MSG_NOSIGNAL);
  ASSERT_GT(sent, 0);
  ASSERT_LT(sent, static_cast<ssize_t>(large.size()));
  EXPECT_EQ(ledger().sent(), static_cast<std::uint32_t>(sent));
  EXPECT_EQ(ledger().Send(ours_.get(), large.data(), large.size(), MSG_NOSIGNAL), -1);
  EXPECT_EQ(Drain(), static_cast<std::uint32_t>(sent));
}

TEST_F(SocketLedgerTest, ADoubtLastsUntilTheCallThatIsNotCountedHasReturned) {
  ASSERT_EQ(ledger().Send(ours_.get(), "abc", 3, MSG_NOSIGNAL), 3);
  ledger().Doubt();
  EXPECT_EQ(ledger().sent(), std::nullopt);
  EXPECT_EQ(ledger().taken(), std::nullopt);
  ledger().Believe(7, 2);
  EXPECT_EQ(ledger().sent(), 10u);
  EXPECT_EQ(ledger().taken(), 2u);
}

// Killed at any moment, sender and taker alike: what the ledger says is what the socket holds.
TEST_F(SocketLedgerTest, IsExactWhenItsProcessIsKilled) {
  std::mt19937 random(1);
  std::uint32_t arrived = 0;
  std::uint32_t given = 0;
  const std::string bytes(3000, 'b');
  for (int death = 0; death < 300; ++death) {
    Child worker = Child::Fork([this, &bytes] {
      for (std::size_t size = 1;; size = size % bytes.size() + 1) {
        ledger().Send(ours_.get(), bytes.data(), size, MSG_NOSIGNAL);
        ledger().Discard(ours_.get(), size);
      }
      return 0;
    });
    if (death % 2 == 0) {
      ASSERT_TRUE(test::WaitFor(theirs_.get(), POLLIN)) << "it has not begun";
    }
    for (auto rounds = random() % 200; rounds > 0; --rounds) {
      arrived += Drain();
      const ssize_t more = ::send(theirs_.get(), bytes.data(), 1 + random() % bytes.size(), MSG_DONTWAIT);
      if (more > 0) given += static_cast<std::uint32_t>(more);
    }
    worker.Signal(SIGKILL);
    worker = Child();  // reaped
    arrived += Drain();
    int left = 0;
    ASSERT_EQ(::ioctl(ours_.get(), FIONREAD, &left), 0);
    ASSERT_EQ(ledger().sent(), arrived) << "after " << death << " deaths";
    ASSERT_EQ(ledger().taken(), given - static_cast<std::uint32_t>(left)) << "after " << death << " deaths";
  }
  EXPECT_GT(arrived, 0u);
  EXPECT_GT(given, 0u);
}

}  // namespace
}  // namespace hydrapool::sys
