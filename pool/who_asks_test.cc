#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "pool/testing/http_client.h"
#include "pool/testing/scratch.h"
#include "pool/testing/server_process.h"

// Who asks, as programs are told: the peer, or whom a trusted proxy tells of.
namespace hydrapool::support {
namespace {

using Variables = std::map<std::string, std::string>;

Variables VariablesIn(const std::string& body) {
  Variables variables;
  std::istringstream lines(body);
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find('=');
    if (equals != line.npos) variables[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return variables;
}

/// "REMOTE_ADDR REMOTE_PORT SERVER_ADDR SERVER_PORT SCHEME HTTPS HOST NAME", "-" for what is not set.
std::string Told(const std::optional<HttpAnswer>& answer) {
  if (!answer) return "no answer";
  if (answer->status != 200) return std::to_string(answer->status);
  auto variables = VariablesIn(answer->body);
  std::string told;
  for (const std::string name : {"REMOTE_ADDR", "REMOTE_PORT", "SERVER_ADDR", "SERVER_PORT", "REQUEST_SCHEME",
                                 "HTTPS", "HTTP_HOST", "SERVER_NAME"})
    told += (told.empty() ? "" : " ") + (variables[name].empty() ? "-" : variables[name]);
  return told;
}

std::string Ask(const ServerProcess& server, const std::string& fields, const std::string& before = "") {
  HttpClient client(server.address());
  return Told(client.Ask(before + "GET /cgi-bin/env HTTP/1.1\r\nHost: site.example\r\n" + fields + "\r\n"));
}

constexpr const char* kText = "PROXY TCP4 192.0.2.7 198.51.100.1 5000 443\r\n";
const std::string kBinaryTls(
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14\xc0\0\2\7\xc6\x33\x64\1\x13\x88\1\xbb\x20\0\5\1\0\0\0\0", 36);

TEST(WhoAsksTest, ATrustedProxysFieldsSay) {
  ServerProcess server({.flags = {"--trusted-proxy", "127.0.0.0/8"}});
  EXPECT_TRUE(Ask(server, "X-Forwarded-For: 192.0.2.1\r\n").starts_with("192.0.2.1 - 127.0.0.1 "));
  EXPECT_EQ(Ask(server, "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"),
            "192.0.2.1 - 127.0.0.1 443 https on site.example site.example");
  EXPECT_EQ(Ask(server, "X-Forwarded-For: [2001:db8::1]:99\r\nX-Forwarded-Host: out.example:8443\r\n"),
            "2001:db8::1 99 127.0.0.1 8443 http - out.example:8443 out.example");
  EXPECT_EQ(Ask(server, "Forwarded: for=192.0.2.1;proto=https;host=out.example\r\n"),
            "192.0.2.1 - 127.0.0.1 443 https on out.example out.example");
  EXPECT_EQ(Ask(server, "Forwarded: for=\r\n"), "400");
  EXPECT_TRUE(server.Stop().clean());
}

TEST(WhoAsksTest, AProxyHeaderSaysForTheWholeConnection) {
  ServerProcess server({.flags = {"--trusted-proxy", "127.0.0.1"}});
  const std::string told = "192.0.2.7 5000 198.51.100.1 443 http - site.example site.example";
  EXPECT_EQ(Ask(server, "", kText), told);
  EXPECT_EQ(Ask(server, "", kBinaryTls),
            "192.0.2.7 5000 198.51.100.1 443 https on site.example site.example");
  HttpClient client(server.address());
  ASSERT_TRUE(client.Send(std::string(kText).substr(0, 20)));
  ASSERT_TRUE(server.AwaitQuiet());
  ASSERT_TRUE(client.Send(std::string(kText).substr(20)));
  for (int i = 0; i < 3; ++i) {
    const std::string again = Told(client.Ask("GET /cgi-bin/env HTTP/1.1\r\nHost: site.example\r\n\r\n"));
    EXPECT_EQ(again, told) << i;
  }
  EXPECT_EQ(client.Ask(Get("/?x")).value_or(HttpAnswer{}).body, "hello x\n");
  EXPECT_EQ(client.Rest(), "");
  EXPECT_EQ(Ask(server, "X-Forwarded-For: 6.6.6.6\r\n", kText), told) << "its client is not trusted";
  EXPECT_TRUE(Ask(server, "", "PROXY UNKNOWN\r\n").starts_with("127.0.0.1 "));
  for (const std::string& bad : {std::string("PROXY TCP4 nonsense\r\n"), std::string(kText) + kText}) {
    HttpClient refused(server.address());
    EXPECT_EQ(refused.Ask(bad + Get("/")).value_or(HttpAnswer{}).status, 400) << bad;
  }
  HttpClient later(server.address());
  ASSERT_TRUE(later.Send(Get("/?1") + kText + Get("/?2")));
  EXPECT_EQ(later.Receive().value_or(HttpAnswer{}).status, 200);
  EXPECT_EQ(later.Receive().value_or(HttpAnswer{}).status, 400) << "only at the beginning";
  EXPECT_TRUE(server.Stop().clean());
}

TEST(WhoAsksTest, AnybodyElseIsNotBelieved) {
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{}, std::vector<std::string>{"--trusted-proxy", "10.0.0.0/8"}}) {
    ServerProcess server({.flags = flags});
    for (const std::string fields :
         {"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: x\r\n",
          "Forwarded: for=192.0.2.1;proto=https;host=x\r\n", "Forwarded: for=\r\n"}) {
      const std::string told = Ask(server, fields);
      EXPECT_TRUE(told.starts_with("127.0.0.1 ")) << told;
      EXPECT_TRUE(told.ends_with(" http - site.example site.example")) << told;
    }
    EXPECT_EQ(Ask(server, "", kText), "400");
    EXPECT_EQ(Ask(server, "", kBinaryTls), "400");
    EXPECT_TRUE(server.Stop().clean());
  }
}

TEST(WhoAsksTest, WhoeverComesOverAUnixSocketMayBeTrusted) {
  const ScratchDir scratch;
  ServerProcess server({.flags = {"--trusted-proxy", "unix"}, .listen = "unix:" + (scratch / "socket")});
  EXPECT_EQ(Ask(server, ""), "127.0.0.1 - 127.0.0.1 80 http - site.example site.example");
  EXPECT_EQ(Ask(server, "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"),
            "192.0.2.1 - 127.0.0.1 443 https on site.example site.example");
  EXPECT_EQ(Ask(server, "", kText), "192.0.2.7 5000 198.51.100.1 443 http - site.example site.example");
  EXPECT_TRUE(server.Stop().clean());
}

TEST(WhoAsksTest, ARescuedRequestIsToldTheSame) {
  if (!kHaveFailpoints) GTEST_SKIP() << "built without HYDRAPOOL_FAILPOINTS";
  for (const std::string point :
       {"worker.peeked", "worker.noted", "worker.responding", "worker.consumed", "worker.committed",
        "worker.place_claimed", "worker.prepared", "cgi.spooled", "cgi.body_whole"}) {
    for (const std::string action : {"kill@1", "kill@2", "kill@1%2"}) {
      ServerProcess server({.flags = {"--trusted-proxy", "127.0.0.1"}, .failpoints = point + "=" + action});
      HttpClient client(server.address());
      ASSERT_TRUE(client.Send(kText));
      const std::string head = "POST /cgi-bin/env HTTP/1.1\r\nHost: site.example\r\n";
      for (const std::string& request : {head + "Content-Length: 0\r\n\r\n",
                                         head + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"}) {
        EXPECT_EQ(Told(client.Ask(request)),
                  "192.0.2.7 5000 198.51.100.1 443 http - site.example site.example")
            << point << " " << action << ": " << client.error();
      }
      EXPECT_TRUE(server.Stop().clean());
    }
  }
}

}  // namespace
}  // namespace hydrapool::support
