#include "pool/http/request_rules.h"

#include <gtest/gtest.h>

namespace hydrapool::http {
namespace {

TEST(IsHostTest, TakesNamesAndAddressesWithAndWithoutPort) {
  for (const char* host : {"h", "a.b-c_d~e", "10.0.0.1:80", "h:0", "h:65535", "h:", "[::1]:", "h:0080",
                           "[v1.a:b]", "[2001:DB8::1]", "[::1]", "[::ffff:1.2.3.4]:8080", "XN--P1AI"}) {
    EXPECT_TRUE(IsHost(host)) << host;
  }
}

TEST(IsHostTest, RefusesTheRest) {
  for (const char* host :
       {"",          ":80",       "[:::]",     "h:65536", "h:8a",       "h:-1",      "h: 80", "a b",
        "a,b",       "a/b",       "u@h",       "a%20b",   "a\\b",       "$(x)",      "[::1",  "[]",
        "[1::2::3]", "[12345::]", "[1.2.3.4]", "[v.a]",   "[v1.]",      "[::1.2.3]", "[:]x",  "[g::]",
        "[::1]80",   "::1",       "h:80:80",   "h\xe4",   "[::1%25lo]", "a'b"}) {
    EXPECT_FALSE(IsHost(host)) << host;
  }
}

TEST(ParseContentLengthTest, DigitsBelowTwoToThe63) {
  EXPECT_EQ(ParseContentLength("0"), 0u);
  EXPECT_EQ(ParseContentLength("00000000000000000000000000007"), 7u);
  EXPECT_EQ(ParseContentLength("9223372036854775807"), 9223372036854775807u);
  for (const char* text :
       {"", "9223372036854775808", "18446744073709551616", "-0", "+1", " 1", "1 ", "1,1", "1e3", "0x1"}) {
    EXPECT_EQ(ParseContentLength(text), std::nullopt) << text;
  }
}

TEST(ForEachMemberTest, SkipsEmptyMembersAndBlanks) {
  std::string seen;
  ForEachMember(" a ,,\tb\t, ,c", [&seen](std::string_view member) { seen.append(member).append(";"); });
  EXPECT_EQ(seen, "a;b;c;");
}

}  // namespace
}  // namespace hydrapool::http
