#include "loadgen/plan/http_url.h"

#include <gtest/gtest.h>

namespace loadgen {
namespace {

TEST(HttpUrlTest, Parts) {
  const auto url = *ParseHttpUrl("http://user:pw@h:81/a/b?c=d#e");
  EXPECT_EQ(url.host, "h");
  EXPECT_EQ(url.port, "81");
  EXPECT_EQ(url.authority, "h:81");
  EXPECT_EQ(url.target, "/a/b?c=d");
  EXPECT_TRUE(url.has_user);
}

TEST(HttpUrlTest, WhatIsLeftOutIsFilledIn) {
  const auto url = *ParseHttpUrl("h");
  EXPECT_EQ(url.full, "http://h");
  EXPECT_EQ(url.port, "80");
  EXPECT_EQ(url.authority, "h");
  EXPECT_EQ(url.target, "/");
  EXPECT_FALSE(url.has_user);
  EXPECT_EQ(ParseHttpUrl("https://h:443/")->authority, "h");
  EXPECT_EQ(ParseHttpUrl("http://h:443/")->authority, "h:443");
}

TEST(HttpUrlTest, AddressesOfIPv6) {
  const auto url = *ParseHttpUrl("http://[::1]:8080/");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.authority, "[::1]:8080");
}

}  // namespace
}  // namespace loadgen
