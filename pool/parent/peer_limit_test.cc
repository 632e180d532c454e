#include "pool/parent/peer_limit.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <chrono>
#include <utility>
#include <vector>

#include "pool/sys/socket.h"

namespace hydrapool {
namespace {

std::uint64_t Peer(const char* text) {
  sockaddr_storage address{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  if (::inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
    address.ss_family = AF_INET;
  } else if (::inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
    address.ss_family = AF_INET6;
  }
  return PeerOf(address);
}

TEST(PeerLimitTest, APeerIsAnAddressOfIpv4OrANetworkOfIpv6) {
  EXPECT_NE(Peer("10.0.0.1"), Peer("10.0.0.2"));
  EXPECT_EQ(Peer("10.0.0.1"), Peer("::ffff:10.0.0.1"));
  EXPECT_EQ(Peer("2001:db8:0:1::1"), Peer("2001:db8:0:1:ffff::2"));
  EXPECT_NE(Peer("2001:db8:0:1::1"), Peer("2001:db8:0:2::1"));
  EXPECT_NE(Peer("::1"), 0u);
  EXPECT_NE(Peer("0.0.0.0"), 0u);
  EXPECT_EQ(PeerOf(sockaddr_storage{}), 0u) << "a UNIX socket's";
}

struct Accepted {
  sys::UniqueFd client;
  sys::UniqueFd server;
};

Accepted Connection(const sys::UniqueFd& listener) {
  auto client = sys::Connect(sys::LocalAddress(listener.get()), std::chrono::seconds(5));
  Accepted accepted{std::move(*client), {}};
  while (!accepted.server) accepted.server = sys::Accept(listener.get()).fd;
  return accepted;
}

TEST(PeerLimitTest, WhoHasEnoughIsAdmittedAgainWhenOneHasGone) {
  const auto listener = sys::Listen("127.0.0.1:0");
  std::vector<Accepted> open;
  for (int i = 0; i < 3; ++i) open.push_back(Connection(listener));
  PeerLimit limit(8);
  limit.Limit(2);
  for (std::uint32_t slot : {5u, 6u}) {
    EXPECT_TRUE(limit.Admits(open[slot - 5].server.get()));
    limit.Enter(slot, open[slot - 5].server.get());
  }
  EXPECT_FALSE(limit.Admits(open[2].server.get()));
  limit.Leave(5);
  limit.Leave(5);
  EXPECT_TRUE(limit.Admits(open[2].server.get()));
}

TEST(PeerLimitTest, WithoutALimitNobodyIsRefused) {
  const auto listener = sys::Listen("127.0.0.1:0");
  const Accepted one = Connection(listener);
  PeerLimit limit(1);
  limit.Enter(0, one.server.get());
  EXPECT_TRUE(limit.Admits(one.server.get()));
  limit.Leave(0);
}

}  // namespace
}  // namespace hydrapool
