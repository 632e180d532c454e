#include "pool/sys/tcp_counters.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "pool/sys/child.h"
#include "pool/sys/test_tcp.h"

namespace hydrapool::sys {
namespace {

class TcpCountersTest : public testing::Test {
 protected:
  [[nodiscard]] int server() const { return pair_.server.get(); }
  [[nodiscard]] int client() const { return pair_.client.get(); }
  // Until `count` bytes wait at the server.
  void Arrive(std::uint64_t count) {
    for (int i = 0; i < test::kPatience && BytesWaiting(server()) < count; ++i) ::poll(nullptr, 0, 1);
    ASSERT_EQ(BytesWaiting(server()), count);
  }
  void ArriveEnd() { ASSERT_TRUE(test::WaitFor(server(), POLLRDHUP)); }

  test::TcpPair pair_ = test::MakeTcpPair();
};

TEST_F(TcpCountersTest, ANewConnectionHasSentAndConsumedNothing) {
  EXPECT_EQ(BytesSent(server()), 0u);
  EXPECT_EQ(BytesConsumed(server()), 0u);
  EXPECT_EQ(BytesWaiting(server()), 0u);
}

TEST_F(TcpCountersTest, UnreadAndPeekedBytesAreNotConsumed) {
  test::SendAll(client(), "0123456789");
  Arrive(10);
  char peeked[16];
  EXPECT_EQ(::recv(server(), peeked, sizeof peeked, MSG_PEEK), 10);
  EXPECT_EQ(BytesConsumed(server()), 0u);
  EXPECT_EQ(::recv(server(), peeked, 3, 0), 3);
  EXPECT_EQ(BytesConsumed(server()), 3u);
  EXPECT_TRUE(Discard(server(), 4));
  EXPECT_EQ(BytesConsumed(server()), 7u);
  EXPECT_EQ(BytesWaiting(server()), 3u);
}

TEST_F(TcpCountersTest, DiscardSaysWhenFewerWereThere) {
  test::SendAll(client(), "0123");
  Arrive(4);
  EXPECT_FALSE(Discard(server(), 5));
  EXPECT_EQ(BytesConsumed(server()), 4u);
  EXPECT_TRUE(Discard(server(), 0));
}

TEST_F(TcpCountersTest, APeersEndIsNoByte) {
  test::SendAll(client(), "0123");
  ::shutdown(client(), SHUT_WR);
  ArriveEnd();
  EXPECT_EQ(BytesWaiting(server()), 4u);
  EXPECT_EQ(BytesConsumed(server()), 0u);
  EXPECT_TRUE(Discard(server(), 4));
  EXPECT_EQ(BytesConsumed(server()), 4u);
}

TEST_F(TcpCountersTest, AnUrgentByteIsAByte) {
  ASSERT_EQ(::send(client(), "012", 3, MSG_OOB), 3);
  test::SendAll(client(), "3456");
  Arrive(7);
  EXPECT_TRUE(Discard(server(), 7));
  EXPECT_EQ(BytesConsumed(server()), 7u);
}

TEST_F(TcpCountersTest, BytesHandedOverAreSentWhetherTheyHaveLeftOrNot) {
  ASSERT_EQ(::send(server(), "0123456789", 10, MSG_MORE | MSG_NOSIGNAL), 10);
  EXPECT_EQ(BytesSent(server()), 10u);
  test::SendAll(server(), "x");
  EXPECT_EQ(BytesSent(server()), 11u);
  EXPECT_EQ(test::ReadUpTo(client(), 11), "0123456789x");
  EXPECT_EQ(BytesSent(server()), 11u);
  ::shutdown(server(), SHUT_WR);
  EXPECT_EQ(test::ReadToEnd(client()), "");
  EXPECT_EQ(BytesSent(server()), 11u);  // our own end is no byte either
}

TEST_F(TcpCountersTest, PartialSendsAgainstAFullWindowAreCountedToTheByte) {
  const std::string block(60'000, 'x');
  std::uint64_t sent = 0;
  for (int full = 0; full < 3;) {
    const ssize_t count = ::send(server(), block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      sent += static_cast<std::uint64_t>(count);
      ASSERT_EQ(BytesSent(server()), sent);
      continue;
    }
    ASSERT_EQ(errno, EAGAIN);
    ++full;
    ASSERT_EQ(test::ReadUpTo(client(), sent / 4).size(), sent / 4);
  }
  EXPECT_EQ(BytesSent(server()), sent);
}

TEST_F(TcpCountersTest, WhatAnotherProcessDidIsCountedAfterItsDeath) {
  test::SendAll(client(), "0123456789");
  Arrive(10);
  Child worker = Child::Fork([&]() -> int {
    test::SendAll(server(), "answer");
    Discard(server(), 7);
    return ::raise(SIGKILL);
  });
  ASSERT_TRUE(test::WaitFor(worker.pidfd(), POLLIN));
  ASSERT_TRUE(worker.TryReap());
  EXPECT_EQ(BytesSent(server()), 6u);
  EXPECT_EQ(BytesConsumed(server()), 7u);
}

TEST_F(TcpCountersTest, StayReadableAfterThePeersReset) {
  test::SendAll(client(), "0123456789");
  Arrive(10);
  Discard(server(), 4);
  test::SendAll(server(), "answer");
  EXPECT_EQ(test::ReadUpTo(client(), 6), "answer");
  ResetConnection(client());
  ASSERT_TRUE(test::WaitFor(server(), POLLERR));
  EXPECT_EQ(BytesSent(server()), 6u);
  EXPECT_EQ(BytesConsumed(server()), 4u);
}

// Whichever side ends first, and whatever is left unread then: TCP_CLOSE does not tell whether a FIN came.
TEST_F(TcpCountersTest, ConsumedIsExactAfterBothEndsAndAfterAnEndAndAReset) {
  test::SendAll(client(), "0123456789");
  ::shutdown(client(), SHUT_WR);
  ArriveEnd();
  Discard(server(), 4);
  ::shutdown(server(), SHUT_WR);
  EXPECT_EQ(test::ReadToEnd(client()), "");
  ASSERT_TRUE(test::WaitFor(server(), POLLHUP));
  EXPECT_EQ(BytesConsumed(server()), 4u);
  EXPECT_TRUE(Discard(server(), 6));
  EXPECT_EQ(BytesConsumed(server()), 10u);
  EXPECT_EQ(DiscardSome(server(), 1), 0);
  EXPECT_EQ(BytesConsumed(server()), 10u);
}

TEST_F(TcpCountersTest, ConsumedIsExactWhenAResetFollowsThePeersEnd) {
  test::SendAll(client(), "0123456789");
  ::shutdown(client(), SHUT_WR);
  ArriveEnd();
  Discard(server(), 4);
  const linger reset{1, 0};
  ::setsockopt(client(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  pair_.client.Reset();
  test::SendAll(server(), "to nobody");
  ASSERT_TRUE(test::WaitFor(server(), POLLERR));
  EXPECT_EQ(BytesConsumed(server()), 4u);
  EXPECT_TRUE(Discard(server(), 6));
  EXPECT_EQ(BytesConsumed(server()), 10u);
}

TEST_F(TcpCountersTest, OurOwnEndIsAByteOnlyWhereTheConnectionIsOver) {
  test::SendAll(server(), "answer");
  ::shutdown(server(), SHUT_WR);
  EXPECT_EQ(BytesSent(server()), 6u);
  EXPECT_EQ(test::ReadToEnd(client()), "answer");
  EXPECT_EQ(BytesSent(server()), 6u);
  pair_.client.Reset();
  ASSERT_TRUE(test::WaitFor(server(), POLLHUP));
  EXPECT_EQ(BytesSent(server()), 7u);
}

TEST_F(TcpCountersTest, WhatIsNoTcpSocketIsNullopt) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd a(ends[0]);
  const UniqueFd b(ends[1]);
  EXPECT_EQ(BytesSent(a.get()), std::nullopt);
  EXPECT_EQ(BytesConsumed(a.get()), std::nullopt);
  EXPECT_EQ(BytesSent(-1), std::nullopt);
}

}  // namespace
}  // namespace hydrapool::sys
