#include "loadgen/plan/access_log.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

constexpr sys::Nanos kTime = 1'760'097'336 * sys::kSecond;  // 2025-10-10T11:55:36Z

TEST(AccessLogTest, ReadsTheFormatsOfServers) {
  const struct {
    const char* line;
    sys::Nanos time;
    const char* method;
    const char* target;
  } lines[] = {
      {R"(127.0.0.1 - frank [10/Oct/2025:13:55:36 +0200] "GET /a?b=c HTTP/1.1" 200 2326)", kTime, "GET",
       "/a?b=c"},
      {R"(::1 - - [10/Oct/2025:11:55:36 +0000] "POST /x HTTP/2.0" 201 0 "http://r/" "Mozilla \"x\"")", kTime,
       "POST", "/x"},
      {R"(h - - [10/Oct/2025:11:55:36 +0000] "GET /say\"hi\" HTTP/1.1" 200 1)", kTime, "GET", R"(/say"hi")"},
      {R"(h - - [10/Oct/2025:11:55:36 +0000] "GET /\x22\xC3\xA9\x0A\\x41\x4 HTTP/1.1" 200 1)", kTime, "GET",
       R"(/"%C3%A9%0A\x41\x4)"},
      {R"({"time_iso8601": "2025-10-10T13:55:36+02:00", "request": "HEAD /n HTTP/1.1"})", kTime, "HEAD",
       "/n"},
      {R"({"msec": "1760097336.250", "request_method": "GET", "request_uri": "/m"})",
       kTime + 250 * sys::kMillisecond, "GET", "/m"},
      {R"({"level":"info","ts":1760097336.25,"request":{"method":"PUT","host":"h","uri":"/c"},"status":200})",
       kTime + 250 * sys::kMillisecond, "PUT", "/c"},
      {R"({"time_local": "10/Oct/2025:11:55:36 +0000", "method": "GET", "path": "/l"})", kTime, "GET", "/l"},
      {R"({"time": "2025-10-10T11:55:36Z", "method": "GET", "url": "/u"})", kTime, "GET", "/u"},
  };
  for (const auto& [line, time, method, target] : lines) {
    const auto request = ParseAccessLine(line);
    ASSERT_TRUE(request) << line;
    EXPECT_NEAR(static_cast<double>(request->time - time), 0, 1000) << line;
    EXPECT_EQ(request->method, method);
    EXPECT_EQ(request->target, target);
  }
}

TEST(AccessLogTest, WhatIsNoRequestIsLeftOut) {
  for (const auto* line :
       {"", "-", "{", "{}", "what is this", R"({"ts": 1760097336, "msg": "started"})",
        R"(h - - [10/Oct/2025:11:55:36 +0000] "-" 400 0)", R"(h - - [10/Oct/2025:11:55:36 +0000] "GET)",
        R"(h - - [yesterday] "GET / HTTP/1.1" 200 1)",
        R"(h - - [10/Oct/2025:11:55:36 +0000] "\x16\x03\x01" 400 0)", R"({"ts": 1e300, "uri": "/"})"})
    EXPECT_FALSE(ParseAccessLine(line)) << line;
}

}  // namespace
}  // namespace hydrapool::loadgen
