#include "loadgen/plan/http_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

TEST(HttpUrlTest, Parts) {
  const auto url = *ParseHttpUrl("http://user:pw@h:81/a/b?c=d#e");
  EXPECT_EQ(url.host, "h");
  EXPECT_EQ(url.port, "81");
  EXPECT_EQ(url.authority, "h:81");
  EXPECT_EQ(url.target, "/a/b?c=d");
  EXPECT_EQ(url.user, "user:pw");
  EXPECT_EQ(url.full, "http://h:81/a/b?c=d#e");
}

TEST(HttpUrlTest, CredentialsAreNoPartOfWhatIsShown) {
  EXPECT_EQ(ParseHttpUrl("http://a%40b:p%3Aw@h/?u=http://c:d@e/")->user, "a@b:p:w");
  EXPECT_EQ(ParseHttpUrl("http://a%40b:p%3Aw@h/?u=http://c:d@e/")->full, "http://h/?u=http://c:d@e/");
  EXPECT_EQ(ParseHttpUrl("ann:secret@h")->full, "http://h");
  EXPECT_EQ(WithoutUsers("'http://a:b@h:x/' and https://c@d is no URL"),
            "'http://h:x/' and https://d is no URL");
  EXPECT_EQ(WithoutUsers("mail a@b http://h/x@y"), "mail a@b http://h/x@y");
}

TEST(HttpUrlTest, WhatIsLeftOutIsFilledIn) {
  const auto url = *ParseHttpUrl("h");
  EXPECT_EQ(url.full, "http://h");
  EXPECT_EQ(url.port, "80");
  EXPECT_EQ(url.authority, "h");
  EXPECT_EQ(url.target, "/");
  EXPECT_EQ(url.user, "");
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
  EXPECT_EQ(ParseHttpUrl("/b?c", "https://user:pw@h:1/x/y?z")->full, "https://h:1/b?c");
  EXPECT_EQ(ParseHttpUrl("b/{random}", "http://h/x/y")->target, "/x/b/{random}");
  EXPECT_EQ(ParseHttpUrl("b/{line:/f}", "http://h/x/y")->target, "/x/b/{line:/f}");
  EXPECT_EQ(ParseHttpUrl("http://other/", "http://h/")->host, "other");
}

TEST(HttpUrlTest, AnEmptyQueryIsOne) {
  EXPECT_EQ(ParseHttpUrl("http://h/?")->target, "/?");
  EXPECT_EQ(ParseHttpUrl("http://h/a?#f?")->target, "/a?");
  EXPECT_EQ(ParseHttpUrl("http://h/#?")->target, "/");
}

TEST(HttpUrlTest, DotsMayStay) {
  EXPECT_EQ(ParseHttpUrl("http://h/a/../b/./c")->target, "/b/c");
  EXPECT_EQ(ParseHttpUrl("http://h/a/../b/./c", {}, Dots::kAsTheyAre)->target, "/a/../b/./c");
}

TEST(HttpUrlTest, ANumberIsNone) {
  for (const auto* text : {"50", "0.5", "50/s", "10:20", "1,5", "30s", "100ms", "2k", "0x7f000001", "1m30s",
                           "1e3", "50%", "1_000"})
    EXPECT_THAT(ParseHttpUrl(text).error().message, ::testing::HasSubstr("not a URL but a number")) << text;
  EXPECT_THAT(ParseHttpUrl("50").error().message, ::testing::HasSubstr("a rate is -R 50"));
  EXPECT_THAT(ParseHttpUrl("1m30s").error().message, ::testing::HasSubstr("a duration is -d 1m30s"));
  EXPECT_TRUE(ParseHttpUrl("127.0.0.1"));
  EXPECT_TRUE(ParseHttpUrl("127.0.0.1:80/x"));
  EXPECT_TRUE(ParseHttpUrl("http://50/"));
  EXPECT_TRUE(ParseHttpUrl("2024.test"));
  EXPECT_TRUE(ParseHttpUrl("1e3.test"));
  EXPECT_TRUE(ParseHttpUrl("http:8080/"));
}

TEST(HttpUrlTest, WhatIsNoneIsRefusedWithAHint) {
  EXPECT_EQ(ParseHttpUrl("http://h:0/").error().message, "'http://h:0/': nothing listens on port 0");
  EXPECT_EQ(ParseHttpUrl("unix:/run/x").error().message,
            "'unix:/run/x': a UNIX socket is --unix-socket PATH, beside a URL like http://h/");
  for (const auto* text : {"http:/h/", "http//h", "https:/h/", "https//h/x"})
    EXPECT_THAT(ParseHttpUrl(text).error().message, ::testing::HasSubstr("begins neither with http://"))
        << text;
  EXPECT_FALSE(ParseHttpUrl("http://h h/"));
  EXPECT_FALSE(ParseHttpUrl("http://h/\x1b"));
  EXPECT_FALSE(ParseHttpUrl("http://h/\n"));
}

TEST(HttpUrlTest, AUrlInAQueryIsNoScheme) {
  EXPECT_EQ(ParseHttpUrl("/r?to=http://x/", "http://h:81")->full, "http://h:81/r?to=http://x/");
  EXPECT_EQ(ParseHttpUrl("h/r?to=http://x/")->full, "http://h/r?to=http://x/");
  EXPECT_EQ(ParseHttpUrl("h/r?to=http:///x/")->host, "h");
  EXPECT_FALSE(ParseHttpUrl("http:///x/"));
}

TEST(HttpUrlTest, ControlCharactersAreRefused) {
  for (const auto text : {std::string_view("http://h/\0x", 11), std::string_view("http://h/a\nb"),
                          std::string_view("\1\xff")}) {
    const auto url = ParseHttpUrl(std::string(text), "http://h/");
    ASSERT_FALSE(url);
    EXPECT_NE(url.error().message.find("it has a control character"), std::string::npos);
  }
}

}  // namespace
}  // namespace hydrapool::loadgen
