#include "pool/sys/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <barrier>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "pool/sys/child.h"
#include "pool/sys/scratch_dir.h"
#include "pool/sys/signal_storm.h"
#include "pool/sys/test_tcp.h"

namespace hydrapool::sys {
namespace {

using namespace std::chrono_literals;

TEST(SplitHostPortTest, Table) {
  const struct {
    const char* address;
    const char* expected;  // host|port, or "no"
  } cases[] = {
      {"127.0.0.1:8080", "127.0.0.1|8080"},
      {"localhost:0", "localhost|0"},
      {":80", "|80"},
      {"*:80", "|80"},
      {"[::1]:8080", "::1|8080"},
      {"[::]:65535", "::|65535"},
      {"", "no"},
      {"8080", "no"},
      {"host", "no"},
      {"host:", "no"},
      {"host:http", "no"},
      {"host:-1", "no"},
      {"host:+1", "no"},
      {"host: 1", "no"},
      {"host:1 ", "no"},
      {"host:65536", "no"},
      {"host:99999999999", "no"},
      {"::1:80", "no"},
      {"[::1]", "no"},
      {"[::1:80", "no"},
      {"[]:80", "no"},
  };
  for (const auto& [address, expected] : cases) {
    const auto parts = SplitHostPort(address);
    EXPECT_EQ(parts ? parts->host + "|" + parts->port : "no", expected) << address;
  }
}

int Option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(fd, level, name, &value, &size);
  return value;
}

TEST(ListenTest, PortZeroIsChosenByTheKernelAndTold) {
  const UniqueFd listener = Listen("127.0.0.1:0");
  const auto parts = SplitHostPort(LocalAddress(listener.get()));
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->host, "127.0.0.1");
  EXPECT_NE(parts->port, "0");
  EXPECT_TRUE(Connect(LocalAddress(listener.get()), 5s));
}

TEST(ListenTest, NeitherBlocksNorIsInheritedByPrograms) {
  const UniqueFd listener = Listen("127.0.0.1:0");
  EXPECT_NE(::fcntl(listener.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(listener.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(ListenTest, AcceptedSocketsInheritNoDelayAndInlineUrgentData) {
  const test::TcpPair pair = test::MakeTcpPair();
  EXPECT_NE(Option(pair.server.get(), IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_NE(Option(pair.server.get(), SOL_SOCKET, SO_OOBINLINE), 0);
  EXPECT_NE(::fcntl(pair.server.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(pair.server.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(ListenTest, NoHostMeansAllAddressesOfBothFamilies) {
  const UniqueFd listener = Listen(":0");
  const auto parts = SplitHostPort(LocalAddress(listener.get()));
  ASSERT_TRUE(parts);
  auto v4 = Connect("127.0.0.1:" + parts->port, 5s);
  ASSERT_TRUE(v4) << v4.error().message;
  ASSERT_TRUE(test::WaitFor(listener.get(), POLLIN));
  const Accepted accepted = Accept(listener.get());
  ASSERT_TRUE(accepted.fd);
  EXPECT_EQ(PeerAddress(accepted.fd.get()), LocalAddress(v4->get()));  // not ::ffff:127.0.0.1
}

TEST(ListenTest, Version6WhereThereIsOne) {
  UniqueFd listener;
  try {
    listener = Listen("[::1]:0");
  } catch (const std::system_error& error) {
    GTEST_SKIP() << "no IPv6 here: " << error.what();
  }
  EXPECT_TRUE(LocalAddress(listener.get()).starts_with("[::1]:"));
  EXPECT_TRUE(Connect(LocalAddress(listener.get()), 5s));
}

TEST(ListenTest, ABusyPortIsNamed) {
  const UniqueFd listener = Listen("127.0.0.1:0");
  const std::string address = LocalAddress(listener.get());
  try {
    (void)Listen(address);
    FAIL() << "bound twice";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EADDRINUSE);
    EXPECT_EQ(error.what(), "cannot listen on " + address + ": Address already in use");
  }
}

TEST(ListenTest, WhatIsNoAddressIsRefused) {
  for (const char* address : {"", "8080", "127.0.0.1", "127.0.0.1:99999", "300.0.0.1:80x"}) {
    EXPECT_THROW((void)Listen(address), std::invalid_argument) << address;
  }
}

TEST(ListenTest, DeferringStillDelivers) {
  const UniqueFd listener = Listen("127.0.0.1:0", {.defer_accept = true});
  auto client = Connect(LocalAddress(listener.get()), 5s);
  ASSERT_TRUE(client);
  test::SendAll(client->get(), "x");
  ASSERT_TRUE(test::WaitFor(listener.get(), POLLIN));
  EXPECT_TRUE(Accept(listener.get()).fd);
}

TEST(AcceptTest, NobodyWaitingIsNoError) {
  const UniqueFd listener = Listen("127.0.0.1:0");
  const Accepted none = Accept(listener.get());
  EXPECT_FALSE(none.fd);
  EXPECT_EQ(none.error, 0);
}

TEST(AcceptTest, OtherFailuresAreTold) {
  const test::TcpPair pair = test::MakeTcpPair();
  EXPECT_EQ(Accept(pair.server.get()).error, EINVAL);
}

TEST(ConnectTest, RefusedIsAValueThatNamesTheAddress) {
  std::string address;
  {
    const UniqueFd listener = Listen("127.0.0.1:0");
    address = LocalAddress(listener.get());
  }
  const auto client = Connect(address, 5s);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ECONNREFUSED);
  EXPECT_EQ(client.error().message, "connect to " + address + ": Connection refused");
}

TEST(ConnectTest, WhatIsNoAddressIsAValueToo) {
  EXPECT_FALSE(Connect("nowhere", 1s));
  EXPECT_FALSE(Connect("256.256.256.256:80", 1s));
}

TEST(ConnectTest, WaitsOverSignalsForAServerThatIsBusy) {
  const UniqueFd listener = Listen("127.0.0.1:0", {.backlog = 0});
  const std::string address = LocalAddress(listener.get());
  std::vector<UniqueFd> queued;  // until no more fit
  while (auto client = Connect(address, 50ms)) queued.push_back(std::move(*client));
  const SignalStorm storm(5, [&] {
    while (::close(::accept(listener.get(), nullptr, nullptr)) == 0) {
    }
  });
  EXPECT_TRUE(Connect(address, 60s)) << "the kernel asks again";
}

TEST(ConnectTest, WaitsOverSignalsOnAUnixSocketToo) {
  const ScratchDir scratch("connect-test");
  const std::string address = "unix:" + (scratch / "socket");
  const UniqueFd listener = Listen(address, {.backlog = 0});
  std::vector<UniqueFd> queued;
  queued.push_back(std::move(Connect(address, 1s).value()));
  const SignalStorm storm(5, [&] { ::close(::accept(listener.get(), nullptr, nullptr)); });
  EXPECT_TRUE(Connect(address, 60s));
}

// Both find the socket of one that has died.
TEST(ListenTest, OfTwoThatComeForAUnixSocketAtOnceOneGetsIt) {
  const ScratchDir scratch("listen-test");
  for (int i = 0; i < 200; ++i) {
    const std::string address = "unix:" + (scratch / fmt::format("socket{}", i));
    UniqueFd dead = Listen(address);
    dead.Reset();
    std::barrier both(2);
    std::array<UniqueFd, 2> listeners;
    const auto come = [&](UniqueFd& listener) {
      both.arrive_and_wait();
      try {
        listener = Listen(address);
      } catch (const std::system_error&) {
      }
    };
    {
      const std::jthread other(come, std::ref(listeners[1]));
      come(listeners[0]);
    }
    ASSERT_NE(static_cast<bool>(listeners[0]), static_cast<bool>(listeners[1])) << "round " << i;
    EXPECT_TRUE(Connect(address, 1s)) << "who has it is reached by it";
  }
}

TEST(ConnectTest, GivesABlockingSocket) {
  const test::TcpPair pair = test::MakeTcpPair();
  EXPECT_EQ(::fcntl(pair.client.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(AddressTest, WhatCannotBeToldIsAQuestionMark) {
  EXPECT_EQ(LocalAddress(-1), "?");
  const UniqueFd unconnected(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(PeerAddress(unconnected.get()), "?");
}

TEST(ResetConnectionTest, ReachesThePeerWhileAnotherProcessHoldsTheDescriptor) {
  const test::TcpPair pair = test::MakeTcpPair();
  const Child holder = Child::Fork([] {
    for (;;) ::pause();
    return 0;
  });
  const UniqueFd copy(::dup(pair.server.get()));
  test::SendAll(pair.server.get(), "half of an ans");
  EXPECT_EQ(test::ReadUpTo(pair.client.get(), 14), "half of an ans");
  ResetConnection(pair.server.get());
  int error = 0;
  EXPECT_EQ(test::ReadToEnd(pair.client.get(), &error), "");
  EXPECT_EQ(error, ECONNRESET);
}

TEST(ResetConnectionTest, ReachesAPeerThatHasFinishedSending) {
  const test::TcpPair pair = test::MakeTcpPair();
  ::shutdown(pair.client.get(), SHUT_WR);
  ASSERT_TRUE(test::WaitFor(pair.server.get(), POLLRDHUP));
  ResetConnection(pair.server.get());
  int error = 0;
  test::ReadToEnd(pair.client.get(), &error);
  EXPECT_EQ(error, ECONNRESET);
}

}  // namespace
}  // namespace hydrapool::sys
