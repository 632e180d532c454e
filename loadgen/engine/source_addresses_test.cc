#include "loadgen/engine/source_addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "pool/sys/unique_fd.h"

namespace hydrapool::loadgen {
namespace {

using ::testing::HasSubstr;

/// The last byte of the address a new socket is bound to.
int LastByte(SourceAddresses& sources) {
  const sys::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(sources.Bind(fd.get(), AF_INET), 0);
  sockaddr_in name{};
  socklen_t size = sizeof name;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&name), &size);
  EXPECT_EQ(name.sin_port, 0) << "connect(2) chooses it";
  return static_cast<int>(ntohl(name.sin_addr.s_addr) & 0xff);
}

TEST(SourceAddressesTest, InTurnAndOfTheSocketsFamily) {
  SourceAddresses sources({"127.0.0.2", "::1", "127.0.0.3"});
  EXPECT_EQ(LastByte(sources), 2);
  EXPECT_EQ(LastByte(sources), 3);
  EXPECT_EQ(LastByte(sources), 2);
}

TEST(SourceAddressesTest, NothingComesFromElsewhere) {
  SourceAddresses sources({"127.0.0.2"});
  const sys::UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(sources.Bind(fd.get(), AF_INET6), EAFNOSUPPORT);
  EXPECT_EQ(sources.Bind(fd.get(), AF_UNIX), 0);
}

TEST(SourceAddressesTest, NoneIsTheKernelsChoice) {
  SourceAddresses sources({});
  EXPECT_EQ(LastByte(sources), 0);
}

TEST(SourceAddressesTest, WhatCannotBeUsedIsNamed) {
  EXPECT_FALSE(UnusableSource({"127.0.0.1", "127.0.0.9"}));
  EXPECT_EQ(UnusableSource({"127.0.0.1", "h.test"}), "--bind 'h.test' is not an IP address");
  EXPECT_THAT(UnusableSource({"192.0.2.1"}).value_or(""), HasSubstr("--bind 192.0.2.1: Cannot assign"));
}

}  // namespace
}  // namespace hydrapool::loadgen
