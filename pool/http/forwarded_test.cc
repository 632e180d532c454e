#include "pool/http/forwarded.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hydrapool::http {
namespace {

using Fields = std::vector<Field>;

/// "CLIENT:PORT SCHEME HOST PORT", with "-" for what is not said.
std::string Said(const Fields& fields, ProxyFields which = ProxyFields::kEither) {
  TrustedPeers trusted;
  EXPECT_TRUE(trusted.Add("10.0.0.0/8"));
  const auto read = ReadForwarding({.fields = fields}, trusted, which);
  if (const auto* refusal = std::get_if<Refusal>(&read)) return std::to_string(refusal->status);
  const auto& said = std::get<Forwarding>(read);
  const auto or_none = [](const std::string& text) { return text.empty() ? "-" : text; };
  const std::string client =
      said.client ? said.client->address.ToString() + ":" + std::to_string(said.client->port) : "-";
  return client + " " + or_none(said.scheme) + " " + or_none(said.host) + " " + std::to_string(said.port);
}

std::string Client(const std::string& list) {
  const std::string said = Said({{"X-Forwarded-For", list}});
  return said.substr(0, said.find(' '));
}

TEST(XForwardedTest, TheClientIsTheFirstFromTheEndThatIsNotTrusted) {
  EXPECT_EQ(Client("192.0.2.1"), "192.0.2.1:0");
  EXPECT_EQ(Client("192.0.2.1:99"), "192.0.2.1:99");
  EXPECT_EQ(Client("2001:db8::1"), "2001:db8::1:0");
  EXPECT_EQ(Client("[2001:db8::1]:99"), "2001:db8::1:99");
  EXPECT_EQ(Client("6.6.6.6, 192.0.2.1"), "192.0.2.1:0") << "what a client says of itself";
  EXPECT_EQ(Client("6.6.6.6, 192.0.2.1, 10.1.1.1,10.2.2.2"), "192.0.2.1:0");
  EXPECT_EQ(Client("10.1.1.1, 10.2.2.2"), "10.1.1.1:0") << "all are trusted: the first";
  EXPECT_EQ(Client("192.0.2.1, unknown"), "-") << "it is not known who asked the nearest";
  EXPECT_EQ(Client("192.0.2.1, unknown, 10.1.1.1"), "10.1.1.1:0");
  EXPECT_EQ(Client(" , ,192.0.2.1,"), "192.0.2.1:0");
  EXPECT_EQ(Client(""), "-");
  EXPECT_EQ(Client("nonsense"), "-");
  EXPECT_EQ(Said({{"X-Forwarded-For", "6.6.6.6"}, {"x-forwarded-for", "192.0.2.1"}}), "192.0.2.1:0 - - 0")
      << "a list over several fields";
}

TEST(XForwardedTest, TheOtherFieldsAreOfTheSameProxy) {
  EXPECT_EQ(Said({{"X-Forwarded-For", "192.0.2.1"},
                  {"X-Forwarded-Proto", "HTTPS"},
                  {"X-Forwarded-Host", "a.example:8443"}}),
            "192.0.2.1:0 https a.example:8443 0");
  EXPECT_EQ(Said({{"X-Forwarded-For", "6.6.6.6, 192.0.2.1"}, {"X-Forwarded-Proto", "http, https"}}),
            "192.0.2.1:0 https - 0");
  EXPECT_EQ(Said({{"X-Forwarded-For", "192.0.2.1, 10.1.1.1"},
                  {"X-Forwarded-Proto", "https, http"},
                  {"X-Forwarded-Host", "outer, inner"}}),
            "192.0.2.1:0 https outer 0");
  EXPECT_EQ(Said({{"X-Forwarded-For", "192.0.2.1, 10.1.1.1"}, {"X-Forwarded-Proto", "https"}}),
            "192.0.2.1:0 https - 0");
  EXPECT_EQ(Said({{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Port", "444"}}), "- https - 444");
  EXPECT_EQ(Said({{"X-Forwarded-Proto", "gopher"}, {"X-Forwarded-Host", "a b"}, {"X-Forwarded-Port", "x"}}),
            "- - - 0");
}

TEST(ForwardedTest, TheClientIsTheFirstFromTheEndThatIsNotTrusted) {
  EXPECT_EQ(Said({{"Forwarded", "for=192.0.2.1"}}), "192.0.2.1:0 - - 0");
  EXPECT_EQ(Said({{"Forwarded", "For=\"[2001:db8::1]:99\";PROTO=https;host=\"a.example:8443\";by=10.0.0.1"}}),
            "2001:db8::1:99 https a.example:8443 0");
  EXPECT_EQ(Said({{"Forwarded",
                   "for=6.6.6.6;proto=http, for=192.0.2.1;proto=https;host=h, for=10.1.1.1;proto=http"}}),
            "192.0.2.1:0 https h 0");
  EXPECT_EQ(Said({{"Forwarded", "for=6.6.6.6"}, {"forwarded", "for=192.0.2.1"}}), "192.0.2.1:0 - - 0");
  for (const std::string hidden :
       {"for=unknown", "for=_hidden", "for=\"_hidden:99\"", "by=10.0.0.1", "secret=x", "proto=http"})
    EXPECT_TRUE(Said({{"Forwarded", "for=6.6.6.6, " + hidden}}).starts_with("- ")) << hidden;
  EXPECT_EQ(Said({{"Forwarded", "for=6.6.6.6, for=unknown, for=10.1.1.1"}}), "10.1.1.1:0 - - 0");
  EXPECT_EQ(Said({{"Forwarded", "for=192.0.2.1;host=\"a b\";proto=x"}}), "192.0.2.1:0 - - 0");
}

TEST(ForwardedTest, IsReadAsItsGrammarHasIt) {
  EXPECT_EQ(ParseForwarded("")->size(), 0u);
  EXPECT_EQ(ParseForwarded(" , for=a ,,\t;for=b; ; , ;;")->size(), 2u);
  EXPECT_EQ(ParseForwarded("for=\"a\\\"b\\\\, c;\"")->front().client, "a\"b\\, c;");
  EXPECT_EQ(ParseForwarded("ext=\"x\" ; for=1.2.3.4")->front().client, "1.2.3.4");
  for (const auto* text : {"for", "for=", "=x", "for =x", "for= x", "for=x y", "for=[::1]", "for=1.2.3.4:80",
                           "for=\"x", "for=\"x\\", "for=\"x\"y", "for=a;for=b", "by=a;by=b", "for=\"\"",
                           "for=a;;x", "for=a/b", "\"for\"=a", "for=\"a\001\""})
    EXPECT_FALSE(ParseForwarded(text)) << text;
}

TEST(ForwardedTest, AMalformedOneIsRefused) {
  EXPECT_EQ(Said({{"Forwarded", "for=\"6.6.6.6, for=192.0.2.1"}}), "400")
      << "a quote that its client left open";
  EXPECT_EQ(Said({{"Forwarded", "for=6.6.6.6;, for=192.0.2.1"}}), "192.0.2.1:0 - - 0");
}

TEST(ForwardedTest, WhichFieldsCountIsSaidBeforehand) {
  const Fields both{{"X-Forwarded-For", "192.0.2.1"}, {"Forwarded", "for=192.0.2.2"}};
  EXPECT_EQ(Said(both), "192.0.2.1:0 - - 0");
  EXPECT_EQ(Said(both, ProxyFields::kXForwarded), "192.0.2.1:0 - - 0");
  EXPECT_EQ(Said(both, ProxyFields::kForwarded), "192.0.2.2:0 - - 0");
  EXPECT_EQ(Said({both[0]}, ProxyFields::kForwarded), "- - - 0");
  EXPECT_EQ(Said({both[1]}, ProxyFields::kXForwarded), "- - - 0");
  EXPECT_EQ(Said({both[1]}), "192.0.2.2:0 - - 0");
  EXPECT_EQ(Said({{"Forwarded", "for"}}, ProxyFields::kXForwarded), "- - - 0");
}

}  // namespace
}  // namespace hydrapool::http
