// The counts of tcp_counters.h on a network of its own that fails in every way that we could think of.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "pool/sys/socket.h"
#include "pool/sys/tcp_counters.h"
#include "pool/sys/test_tcp.h"
#include "pool/testing/command.h"
#include "pool/testing/network.h"

namespace hydrapool::sys {
namespace {

using support::Network;

constexpr const char* kV4 = "10.77.0.1";
constexpr const char* kV6 = "[fd77::1]";

char ByteAt(std::uint64_t offset) { return static_cast<char>('a' + offset % 23); }

struct NetworkFault {
  const char* name;
  std::vector<const char*> begin;
  std::vector<const char*> end;
  std::vector<const char*> between = {};  ///< run one after the other, again and again, while bytes are sent
  bool local = true;                      ///< transmissions fail here, not on their way
  int client_buffer = 0;                  ///< SO_RCVBUF of the client; 0: as it comes
};
void PrintTo(const NetworkFault& fault, std::ostream* out) { *out << fault.name; }

// "psh": segments with data; the handshake's and the end's come through.
const NetworkFault kFilter{
    .name = "filter",
    .begin = {"nft add table inet t", "nft add chain inet t o { type filter hook output priority 0 ; }",
              "nft add rule inet t o tcp flags & psh != 0 numgen random mod 100 < 30 drop"},
    .end = {"nft delete table inet t"}};
const NetworkFault kFullQueue{.name = "full_queue",
                              .begin = {"tc qdisc add dev cable root tbf rate 2mbit burst 2000 limit 4000"},
                              .end = {"tc qdisc del dev cable root"}};
const NetworkFault kNoRoute{
    .name = "no_route",
    .begin = {},
    .end = {},
    .between = {"ip route del 10.77.0.0/24", "ip route add 10.77.0.0/24 dev cable src 10.77.0.1"}};
const NetworkFault kLoss{
    .name = "loss",
    .begin = {"nft add table inet t", "nft add chain inet t i { type filter hook input priority 0 ; }",
              "nft add rule inet t i meta l4proto tcp numgen random mod 100 < 20 drop"},
    .end = {"nft delete table inet t"},
    .local = false};
const NetworkFault kTinyWindow{
    .name = "tiny_window", .begin = {}, .end = {}, .local = false, .client_buffer = 2048};

class TcpFaultsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!network_.missing().empty()) GTEST_SKIP() << network_.missing();
    for (const char* tool : {"nft", "tc"})
      if (!support::RunProgram({tool, "-V"}).ok()) GTEST_SKIP() << "needs " << tool;
  }

  void Listen(const char* host) {
    const Network::Inside inside(network_.near());
    listener_ = sys::Listen(std::string(host) + ":0");
  }
  UniqueFd ClientSocket(int family, int protocol = IPPROTO_TCP) {
    const Network::Inside inside(network_.far());
    return UniqueFd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, protocol));
  }
  void Connect(UniqueFd socket, int client_buffer = 0) {
    if (client_buffer > 0)
      ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &client_buffer, sizeof client_buffer);
    sockaddr_storage to{};
    socklen_t size = sizeof to;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&to), &size);
    ASSERT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), size), 0)
        << std::generic_category().message(errno);
    client_ = std::move(socket);
    ASSERT_TRUE(test::WaitFor(listener_.get(), POLLIN));
    server_ = Accept(listener_.get()).fd;
  }
  void Connect(const char* host) {
    Listen(host);
    Connect(ClientSocket(host == kV4 ? AF_INET : AF_INET6));
  }

  // Sends what the socket takes now; the count must be the truth after each call.
  void SendSome(std::size_t most) {
    std::string bytes(most, ' ');
    for (std::size_t i = 0; i < most; ++i) bytes[i] = ByteAt(sent_ + i);
    const ssize_t count = ::send(server_.get(), bytes.data(), most, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) sent_ += static_cast<std::uint64_t>(count);
    ASSERT_EQ(BytesSent(server_.get()), sent_);
    const auto facts = Kernel().Facts(server_.get());
    if (facts->bytes_sent - facts->bytes_retrans + facts->notsent_bytes != sent_) ++transmissions_wrong_;
  }
  void ClientReads(std::size_t most) {
    std::string bytes(most, ' ');
    const ssize_t count = ::recv(client_.get(), bytes.data(), most, MSG_DONTWAIT);
    for (ssize_t i = 0; i < count; ++i) ASSERT_EQ(bytes[static_cast<std::size_t>(i)], ByteAt(received_++));
  }
  void ClientReadsAll() {
    while (received_ < sent_) {
      ASSERT_TRUE(test::WaitFor(client_.get(), POLLIN)) << received_ << " of " << sent_;
      ClientReads(65'536);
    }
  }
  void Begin(const NetworkFault& fault) { RunAll(fault, fault.begin); }
  void End(const NetworkFault& fault) { RunAll(fault, fault.end); }
  void RunAll(const NetworkFault& fault, const std::vector<const char*>& commands) {
    for (const char* command : commands)
      ASSERT_TRUE(Network::Run(fault.local ? network_.near() : network_.far(), command));
  }
  void SendThrough(const NetworkFault& fault) {
    std::mt19937 random(7);
    for (int step = 0; step < 400; ++step) {
      if (!fault.between.empty() && step % 20 == 0)
        Network::Run(network_.near(),
                     fault.between[static_cast<std::size_t>(step / 20) % fault.between.size()]);
      ASSERT_NO_FATAL_FAILURE(SendSome(1 + random() % 4000));
      test::WaitFor(client_.get(), POLLIN, 1);  // time for acknowledgements, losses and timers
      ASSERT_NO_FATAL_FAILURE(ClientReads(random() % 6000));
    }
  }

  Network network_;
  UniqueFd listener_;
  UniqueFd client_;
  UniqueFd server_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  int transmissions_wrong_ = 0;  // how often a count of transmissions would have been
};

class TcpFaultsOnTheWayTest : public TcpFaultsTest,
                              public testing::WithParamInterface<std::tuple<const char*, NetworkFault>> {};

TEST_P(TcpFaultsOnTheWayTest, EveryByteIsCountedOnceAtEveryStepAndThroughTheEnd) {
  const auto& [host, fault] = GetParam();
  Listen(host);
  ASSERT_NO_FATAL_FAILURE(Connect(ClientSocket(host == kV4 ? AF_INET : AF_INET6), fault.client_buffer));
  ASSERT_NO_FATAL_FAILURE(Begin(fault));
  ASSERT_NO_FATAL_FAILURE(SendThrough(fault));
  if (fault.local) {
    EXPECT_GT(transmissions_wrong_, 0) << "no transmission failed here";
  } else if (fault.client_buffer == 0) {
    EXPECT_GT(SegmentsSentAgain(server_.get()), 0u);
  }
  ::shutdown(server_.get(), SHUT_WR);  // the FIN waits, is lost, or fails too
  ASSERT_EQ(BytesSent(server_.get()), sent_);
  ASSERT_NO_FATAL_FAILURE(End(fault));
  ASSERT_NO_FATAL_FAILURE(ClientReadsAll());
  EXPECT_EQ(BytesSent(server_.get()), sent_);
  EXPECT_EQ(test::ReadToEnd(client_.get()), "");
  EXPECT_EQ(BytesSent(server_.get()), sent_);
  client_.Reset();
  ASSERT_TRUE(test::WaitFor(server_.get(), POLLHUP));
  EXPECT_EQ(BytesSent(server_.get()), sent_ + 1);
}

std::string NameOf(const testing::TestParamInfo<std::tuple<const char*, NetworkFault>>& test) {
  return std::string(std::get<1>(test.param).name) + (std::get<0>(test.param) == kV4 ? "_v4" : "_v6");
}
INSTANTIATE_TEST_SUITE_P(V4, TcpFaultsOnTheWayTest,
                         testing::Combine(testing::Values(kV4),
                                          testing::Values(kFilter, kFullQueue, kNoRoute, kLoss, kTinyWindow)),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(V6, TcpFaultsOnTheWayTest,
                         testing::Combine(testing::Values(kV6),
                                          testing::Values(kFilter, kFullQueue, kLoss, kTinyWindow)),
                         NameOf);

TEST_F(TcpFaultsTest, AResetLeavesTheCountWhateverWaits) {
  ASSERT_NO_FATAL_FAILURE(Connect(kV4));
  ASSERT_NO_FATAL_FAILURE(Begin(kFilter));
  ASSERT_NO_FATAL_FAILURE(SendThrough(kFilter));
  const linger reset{1, 0};
  ::setsockopt(client_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  client_.Reset();
  ASSERT_TRUE(test::WaitFor(server_.get(), POLLERR));
  EXPECT_EQ(BytesSent(server_.get()), sent_);
  EXPECT_EQ(BytesConsumed(server_.get()), 0u);
}

TEST_F(TcpFaultsTest, APeersEndLeavesTheCount) {
  ASSERT_NO_FATAL_FAILURE(Connect(kV4));
  ASSERT_NO_FATAL_FAILURE(Begin(kFilter));
  ::shutdown(client_.get(), SHUT_WR);
  ASSERT_TRUE(test::WaitFor(server_.get(), POLLRDHUP));
  ASSERT_NO_FATAL_FAILURE(SendThrough(kFilter));
  ::shutdown(server_.get(), SHUT_WR);
  ASSERT_NO_FATAL_FAILURE(End(kFilter));
  ASSERT_NO_FATAL_FAILURE(ClientReadsAll());
  ASSERT_TRUE(test::WaitFor(server_.get(), POLLHUP));
  EXPECT_EQ(BytesSent(server_.get()), sent_ + 1);
  EXPECT_EQ(BytesConsumed(server_.get()), 0u);
}

// MPTCP falls back to TCP where the listener does not speak it.
TEST_F(TcpFaultsTest, AnMptcpClientIsCountedAlike) {
  constexpr int kMptcp = 262;
  Listen(kV4);
  UniqueFd socket = ClientSocket(AF_INET, kMptcp);
  if (!socket) GTEST_SKIP() << "no MPTCP in this kernel";
  ASSERT_NO_FATAL_FAILURE(Connect(std::move(socket)));
  ASSERT_NO_FATAL_FAILURE(Begin(kFilter));
  ASSERT_NO_FATAL_FAILURE(SendThrough(kFilter));
  ASSERT_NO_FATAL_FAILURE(End(kFilter));
  ASSERT_NO_FATAL_FAILURE(ClientReadsAll());
}

// The server's SYN-ACK is dropped, so that the connection stays where only fast open has one be served.
class FastOpenTest : public TcpFaultsTest {
 protected:
  void ConnectInSyn(const std::string& drop) {
    Set(network_.near(), "0x602");  // data in the SYN without a cookie, at every listener
    Set(network_.far(), "0x5");
    Listen(kV4);
    if (!Network::Run(network_.near(), "nft add table inet t") ||
        !Network::Run(network_.near(), "nft add chain inet t o { type filter hook output priority 0 ; }") ||
        !Network::Run(network_.near(), "nft add rule inet t o tcp flags & (" + drop + ") != 0 drop"))
      return;
    client_ = ClientSocket(AF_INET);
    ::fcntl(client_.get(), F_SETFL, O_NONBLOCK);
    sockaddr_in to{};
    socklen_t size = sizeof to;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&to), &size);
    ::sendto(client_.get(), "ask", 3, MSG_FASTOPEN | MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&to), size);
    ASSERT_TRUE(test::WaitFor(listener_.get(), POLLIN));
    server_ = Accept(listener_.get()).fd;
    ASSERT_EQ(Kernel().Facts(server_.get())->state, TCP_SYN_RECV);
  }

 private:
  static void Set(const std::string& space, const char* value) {
    const Network::Inside inside(space);
    std::ofstream("/proc/sys/net/ipv4/tcp_fastopen") << value;
  }
};

TEST_F(FastOpenTest, IsCountedBeforeTheHandshakeIsComplete) {
  ASSERT_NO_FATAL_FAILURE(ConnectInSyn("syn"));
  for (int i = 0; i < 10; ++i) ASSERT_NO_FATAL_FAILURE(SendSome(100));
  ASSERT_EQ(Kernel().Facts(server_.get())->state, TCP_SYN_RECV);
  ASSERT_TRUE(Network::Run(network_.near(), "nft delete table inet t"));
  ASSERT_NO_FATAL_FAILURE(ClientReadsAll());
  EXPECT_EQ(BytesSent(server_.get()), sent_);
  EXPECT_EQ(BytesConsumed(server_.get()), 0u);
}

TEST_F(FastOpenTest, IsNotGuessedAtWhereATransmissionFailed) {
  ASSERT_NO_FATAL_FAILURE(ConnectInSyn("syn|psh"));
  ASSERT_EQ(::send(server_.get(), "answer", 6, MSG_NOSIGNAL | MSG_DONTWAIT), 6);
  EXPECT_EQ(BytesSent(server_.get()), std::nullopt);
}

}  // namespace
}  // namespace hydrapool::sys
