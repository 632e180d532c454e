#include "loadgen/stats/server_addresses.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>

namespace hydrapool::loadgen {
namespace {

using ::testing::ElementsAre;
using Row = ServerAddresses::Row;

std::size_t Try(ServerAddresses& addresses, std::uint16_t port) {
  const sockaddr_in address{
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  return addresses.Tried(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

TEST(ServerAddressesTest, EachHasItsOwnCounts) {
  ServerAddresses addresses;
  addresses.Connected(Try(addresses, 80));
  Try(addresses, 81);
  addresses.Connected(Try(addresses, 80));
  EXPECT_THAT(addresses.rows(), ElementsAre(Row{"127.0.0.1:80", 2, 2}, Row{"127.0.0.1:81", 1, 0}));
}

TEST(ServerAddressesTest, BeyondTheMostTheyAreCountedTogether) {
  ServerAddresses addresses;
  for (std::uint16_t port = 1; port <= 100; ++port) addresses.Connected(Try(addresses, port));
  ASSERT_EQ(addresses.rows().size(), ServerAddresses::kMost + 1);
  EXPECT_EQ(addresses.rows().back(), (Row{std::string(ServerAddresses::kOthers), 68, 68}));
  Try(addresses, 1);
  EXPECT_EQ(addresses.rows().front().tried, 2u);
}

TEST(ServerAddressesTest, MergedTheyAddUp) {
  ServerAddresses a;
  ServerAddresses b;
  a.Connected(Try(a, 80));
  Try(b, 81);
  b.Connected(Try(b, 80));
  a.Merge(b);
  EXPECT_THAT(a.rows(), ElementsAre(Row{"127.0.0.1:80", 2, 2}, Row{"127.0.0.1:81", 1, 0}));
}

TEST(AddressTextTest, IsAsInAUrl) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(443);
  v6.sin6_addr = in6addr_loopback;
  EXPECT_EQ(AddressText(reinterpret_cast<const sockaddr*>(&v6), sizeof v6), "[::1]:443");
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  std::strcpy(local.sun_path, "/run/s");
  EXPECT_EQ(AddressText(reinterpret_cast<const sockaddr*>(&local), sizeof local), "/run/s");
}

}  // namespace
}  // namespace hydrapool::loadgen
