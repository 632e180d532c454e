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

TEST(HttpUrlTest, WhatIsNotAsciiIsEscaped) {
  const auto url = *ParseHttpUrl("http://h/a b/ü?q=é x#f");
  EXPECT_EQ(url.target, "/a%20b/%c3%bc?q=%c3%a9+x");
  EXPECT_EQ(url.full, "http://h/a%20b/%c3%bc?q=%c3%a9+x#f");
  EXPECT_EQ(ParseHttpUrl("http://h/%20{counter}")->target, "/%20{counter}");
}

TEST(HttpUrlTest, IsRelativeToABase) {
  EXPECT_EQ(ParseHttpUrl("/b?c", "https://user:pw@h:1/x/y?z")->full, "https://user:pw@h:1/b?c");
  EXPECT_EQ(ParseHttpUrl("b/{random}", "http://h/x/y")->target, "/x/b/{random}");
  EXPECT_EQ(ParseHttpUrl("b/{line:/f}", "http://h/x/y")->target, "/x/b/{line:/f}");
  EXPECT_EQ(ParseHttpUrl("http://other/", "http://h/")->host, "other");
}

TEST(HttpUrlTest, WhatIsNoneIsRefusedWithAHint) {
  EXPECT_EQ(ParseHttpUrl("http://h:0/").error().message, "'http://h:0/': nothing listens on port 0");
  EXPECT_EQ(ParseHttpUrl("unix:/run/x").error().message,
            "'unix:/run/x': a UNIX socket is --unix-socket PATH, beside a URL like http://h/");
  EXPECT_FALSE(ParseHttpUrl("http://h h/"));
  EXPECT_FALSE(ParseHttpUrl("http://h/\x1b"));
  EXPECT_FALSE(ParseHttpUrl("http://h/\n"));
}

}  // namespace
}  // namespace loadgen
