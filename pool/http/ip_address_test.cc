#include "pool/http/ip_address.h"

#include <gtest/gtest.h>

#include <string>

namespace hydrapool::http {
namespace {

TEST(IpAddressTest, IsWrittenAsItIsMeant) {
  for (const std::string text : {"1.2.3.4", "::1", "2001:db8::5", "255.255.255.255", "::"})
    EXPECT_EQ(IpAddress::Parse(text)->ToString(), text);
  EXPECT_EQ(IpAddress::Parse("::ffff:1.2.3.4"), IpAddress::Parse("1.2.3.4"));
  EXPECT_EQ(IpAddress::Parse("::ffff:1.2.3.4")->ToString(), "1.2.3.4");
  for (const std::string text :
       {"", "1.2.3", "01.2.3.4", "1.2.3.4.5", "256.1.1.1", "[::1]", "::1%lo", "g::", " ::1", "1.2.3.4 "})
    EXPECT_FALSE(IpAddress::Parse(text)) << text;
  EXPECT_FALSE(IpAddress::Parse(std::string("1.2.3.4\0", 8)));
}

TEST(EndpointTest, IsAnAddressAndPerhapsAPort) {
  const auto of = [](std::string_view text) {
    const auto endpoint = Endpoint::Parse(text);
    return endpoint ? endpoint->address.ToString() + " " + std::to_string(endpoint->port) : "none";
  };
  EXPECT_EQ(of("1.2.3.4"), "1.2.3.4 0");
  EXPECT_EQ(of("1.2.3.4:80"), "1.2.3.4 80");
  EXPECT_EQ(of("::1"), "::1 0");
  EXPECT_EQ(of("[::1]"), "::1 0");
  EXPECT_EQ(of("[::1]:65535"), "::1 65535");
  EXPECT_EQ(of("1.2.3.4:_x"), "1.2.3.4 0");
  for (const auto* text :
       {"", "unknown", "_hidden", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "[::1", "[::1]80", "[1.2.3.4]",
        "[]:1", "1.2.3.4:80:80", "1.2.3.4:_", "1.2.3.4:_ x", "example.org"})
    EXPECT_EQ(of(text), "none") << text;
}

TEST(NetworkTest, HoldsTheAddressesOfItsPrefix) {
  const auto holds = [](std::string_view network, std::string_view address) {
    return Network::Parse(network)->Contains(*IpAddress::Parse(address));
  };
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(holds("10.0.0.0/8", "::ffff:10.1.1.1"));
  EXPECT_TRUE(holds("192.168.4.0/22", "192.168.7.255"));
  EXPECT_FALSE(holds("192.168.4.0/22", "192.168.8.0"));
  EXPECT_TRUE(holds("0.0.0.0/0", "9.9.9.9"));
  EXPECT_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(holds("::/0", "9.9.9.9"));
  EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(holds("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(holds("127.0.0.1", "127.0.0.2"));
  for (const auto* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.1/8", "host/8"})
    EXPECT_FALSE(Network::Parse(text)) << text;
}

TEST(TrustedPeersTest, AreNamedByNetworkOrAsThoseOfASocket) {
  TrustedPeers peers;
  EXPECT_TRUE(peers.empty());
  EXPECT_FALSE(peers.Add("localhost"));
  EXPECT_TRUE(peers.empty());
  EXPECT_TRUE(peers.Add("127.0.0.0/8"));
  EXPECT_FALSE(peers.Trusts(std::nullopt));
  EXPECT_TRUE(peers.Add("unix"));
  EXPECT_TRUE(peers.Trusts(std::nullopt));
  EXPECT_TRUE(peers.Trusts(IpAddress::Parse("127.1.2.3")));
  EXPECT_FALSE(peers.Trusts(IpAddress::Parse("128.0.0.1")));
}

}  // namespace
}  // namespace hydrapool::http
