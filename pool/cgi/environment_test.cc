#include "pool/cgi/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace hydrapool::cgi {
namespace {

using testing::ElementsAre;
using testing::Optional;

/// A request, a script and their surroundings, each of which a test may change before Build.
struct Case {
  std::vector<http::Field> fields{{"Host", "example.org:8080"}};
  http::Request request{.method = "GET",
                        .target = "/cgi-bin/env/in%20fo?a=1&b",
                        .path = "/cgi-bin/env/in%20fo",
                        .query = "a=1&b",
                        .has_query = true,
                        .host = "example.org:8080",
                        .fields = {}};
  Script script{.directory = {},
                .file = "env",
                .absolute_path = "/srv/cgi/env",
                .name = "/cgi-bin/env",
                .path_info = "/in fo"};
  ServerFacts server{.software = "hydrapool/0.1", .document_root = "/srv/www"};
  ClientFacts client{.remote_address = "192.0.2.7",
                     .remote_port = 50000,
                     .server_address = "192.0.2.1",
                     .server_port = 8080};

  [[nodiscard]] std::optional<Environment> TryBuild() {
    request.fields = fields;
    return Environment::Build(request, script, server, client);
  }
  [[nodiscard]] Environment Build() { return *TryBuild(); }
};

std::vector<std::string> Lines(const Environment& environment) {
  std::vector<std::string> lines;
  for (char* const* variable = environment.envp(); *variable != nullptr; ++variable)
    lines.emplace_back(*variable);
  return lines;
}

TEST(EnvironmentTest, IsExactlyThis) {
  Case one;
  EXPECT_THAT(Lines(one.Build()),
              ElementsAre("DOCUMENT_ROOT=/srv/www", "GATEWAY_INTERFACE=CGI/1.1", "HTTP_HOST=example.org:8080",
                          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                          "PATH_INFO=/in fo", "PATH_TRANSLATED=/srv/www/in fo", "QUERY_STRING=a=1&b",
                          "REDIRECT_STATUS=200", "REMOTE_ADDR=192.0.2.7", "REMOTE_HOST=192.0.2.7",
                          "REMOTE_PORT=50000", "REQUEST_METHOD=GET", "REQUEST_SCHEME=http",
                          "REQUEST_URI=/cgi-bin/env/in%20fo?a=1&b", "SCRIPT_FILENAME=/srv/cgi/env",
                          "SCRIPT_NAME=/cgi-bin/env", "SERVER_ADDR=192.0.2.1", "SERVER_NAME=example.org",
                          "SERVER_PORT=8080", "SERVER_PROTOCOL=HTTP/1.1", "SERVER_SOFTWARE=hydrapool/0.1"));
}

TEST(EnvironmentTest, WhatIsUnknownIsUnsetButTheQueryIsAlwaysThere) {
  Case one;
  one.request.query = {};
  one.script.path_info = {};
  const auto environment = one.Build();
  EXPECT_THAT(environment.Find("QUERY_STRING"), Optional(std::string_view()));
  for (const auto* name : {"PATH_INFO", "PATH_TRANSLATED", "CONTENT_LENGTH", "CONTENT_TYPE", "AUTH_TYPE",
                           "REMOTE_USER", "REMOTE_IDENT", "HTTPS"}) {
    EXPECT_EQ(environment.Find(name), std::nullopt) << name;
  }
}

TEST(EnvironmentTest, WithoutADocumentRootNothingIsTranslated) {
  Case one;
  one.server.document_root.clear();
  const auto environment = one.Build();
  EXPECT_EQ(environment.Find("PATH_TRANSLATED"), std::nullopt);
  EXPECT_EQ(environment.Find("DOCUMENT_ROOT"), std::nullopt);
  EXPECT_THAT(environment.Find("PATH_INFO"), Optional(std::string_view("/in fo")));
}

TEST(EnvironmentTest, ContentFieldsBecomeContentVariablesOnly) {
  Case one;
  one.request.body = http::BodyKind::kLength;
  one.request.content_length = 0;
  one.fields = {{"content-type", "text/plain"}, {"Content-Type", "text/html"}, {"Content-Length", "0"}};
  const auto environment = one.Build();
  EXPECT_THAT(environment.Find("CONTENT_LENGTH"), Optional(std::string_view("0")));
  EXPECT_THAT(environment.Find("CONTENT_TYPE"), Optional(std::string_view("text/plain")));
  EXPECT_EQ(environment.Find("HTTP_CONTENT_TYPE"), std::nullopt);
  EXPECT_EQ(environment.Find("HTTP_CONTENT_LENGTH"), std::nullopt);
}

TEST(EnvironmentTest, AChunkedBodyHasALengthOnlyWhenItWasSpooled) {
  Case one;
  one.request.body = http::BodyKind::kChunked;
  EXPECT_EQ(one.Build().Find("CONTENT_LENGTH"), std::nullopt);
  one.client.body_length = 1'234'567'890'123;
  EXPECT_THAT(one.Build().Find("CONTENT_LENGTH"), Optional(std::string_view("1234567890123")));
}

TEST(EnvironmentTest, RepeatedFieldsAreJoinedWhateverTheirCase) {
  Case one;
  one.fields = {{"Accept", "a"}, {"Cookie", "x=1"}, {"ACCEPT", "b"}, {"cookie", "y=2"}, {"accept", ""}};
  const auto environment = one.Build();
  EXPECT_THAT(environment.Find("HTTP_ACCEPT"), Optional(std::string_view("a, b, ")));
  EXPECT_THAT(environment.Find("HTTP_COOKIE"), Optional(std::string_view("x=1; y=2")));
}

TEST(EnvironmentTest, NamesThatWouldPassForOthersAreDropped) {
  Case one;
  one.fields = {{"X_Real_IP", "forged"}, {"X-Real-IP", "true"}, {"X.Y", "1"}, {"X=Y", "1"}, {"X!", "1"}};
  const auto environment = one.Build();
  EXPECT_THAT(environment.Find("HTTP_X_REAL_IP"), Optional(std::string_view("true")));
  for (const auto& line : Lines(environment)) EXPECT_EQ(line.find("forged"), std::string::npos);
  for (const auto* name : {"HTTP_X.Y", "HTTP_X_Y", "HTTP_X", "HTTP_X!"}) {
    EXPECT_EQ(environment.Find(name), std::nullopt) << name;
  }
}

TEST(EnvironmentTest, TheServersOwnFieldsAndProxyAreNotPassed) {
  Case one;
  one.request.host = "";
  one.fields.clear();
  for (const auto* name : {"Proxy", "pRoXy", "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer",
                           "Transfer-Encoding", "Upgrade", "Expect"}) {
    one.fields.push_back({name, "http://evil/"});
  }
  for (const auto& line : Lines(one.Build())) EXPECT_FALSE(line.starts_with("HTTP_")) << line;
}

TEST(EnvironmentTest, CredentialsArePassedOnlyOnDemand) {
  Case one;
  one.fields = {{"Authorization", "Basic eA=="}, {"proxy-authorization", "Basic eQ=="}};
  EXPECT_EQ(one.Build().Find("HTTP_AUTHORIZATION"), std::nullopt);
  EXPECT_EQ(one.Build().Find("HTTP_PROXY_AUTHORIZATION"), std::nullopt);
  one.server.pass_authorization = true;
  EXPECT_THAT(one.Build().Find("HTTP_AUTHORIZATION"), Optional(std::string_view("Basic eA==")));
  EXPECT_THAT(one.Build().Find("HTTP_PROXY_AUTHORIZATION"), Optional(std::string_view("Basic eQ==")));
}

TEST(EnvironmentTest, TheServersNameComesFromTheConfigurationThenTheHostThenTheAddress) {
  Case one;
  for (const auto& [host, name] :
       std::vector<std::pair<const char*, const char*>>{{"example.org", "example.org"},
                                                        {"example.org:80", "example.org"},
                                                        {"[::1]:8080", "[::1]"},
                                                        {"[::1]", "[::1]"},
                                                        {"[broken", "[broken"},
                                                        {"", "192.0.2.1"},
                                                        {":80", "192.0.2.1"}}) {
    one.request.host = host;
    EXPECT_THAT(one.Build().Find("SERVER_NAME"), Optional(std::string_view(name))) << host;
  }
  one.request.host = {};
  one.client.server_address = "2001:db8::1";
  EXPECT_THAT(one.Build().Find("SERVER_NAME"), Optional(std::string_view("[2001:db8::1]")));
  one.server.name = "www.example.org";
  EXPECT_THAT(one.Build().Find("SERVER_NAME"), Optional(std::string_view("www.example.org")));
}

TEST(EnvironmentTest, TheHostIsThatOfAnAbsoluteTarget) {
  Case one;
  one.request.host = "target.example:81";
  EXPECT_THAT(one.Build().Find("HTTP_HOST"), Optional(std::string_view("target.example:81")));
  one.fields.clear();
  EXPECT_THAT(one.Build().Find("HTTP_HOST"), Optional(std::string_view("target.example:81")));
  one.request.host = "";
  EXPECT_FALSE(one.Build().Find("HTTP_HOST"));
}

TEST(EnvironmentTest, ExtraVariablesHaveTheLastWord) {
  Case one;
  one.fields.push_back({"Git-Protocol", "version=2"});
  one.server.extra = {
      "GIT_PROJECT_ROOT=/srv/git", "PATH=/bin", "HTTP_GIT_PROTOCOL=version=1", "EMPTY=", "=x", "nonsense"};
  const auto environment = one.Build();
  EXPECT_THAT(environment.Find("GIT_PROJECT_ROOT"), Optional(std::string_view("/srv/git")));
  EXPECT_THAT(environment.Find("PATH"), Optional(std::string_view("/bin")));
  EXPECT_THAT(environment.Find("HTTP_GIT_PROTOCOL"), Optional(std::string_view("version=1")));
  EXPECT_THAT(environment.Find("EMPTY"), Optional(std::string_view()));
  EXPECT_EQ(environment.Find("nonsense"), std::nullopt);
}

TEST(EnvironmentTest, ProtocolAndSchemeAreTheRequests) {
  Case one;
  one.request.minor_version = 0;
  one.server.scheme = "https";
  EXPECT_THAT(one.Build().Find("SERVER_PROTOCOL"), Optional(std::string_view("HTTP/1.0")));
  EXPECT_THAT(one.Build().Find("HTTPS"), Optional(std::string_view("on")));
}

TEST(EnvironmentTest, NoNameAppearsTwice) {
  Case one;
  one.fields = {{"A", "1"}, {"a", "2"}, {"Host", "x"}};
  one.server.extra = {"HTTP_A=3", "REQUEST_METHOD=PUT"};
  std::set<std::string> names;
  for (const auto& line : Lines(one.Build()))
    EXPECT_TRUE(names.insert(line.substr(0, line.find('='))).second) << line;
}

TEST(EnvironmentTest, AValueWithANulIsLeftOut) {
  Case one;
  one.fields = {{"X-Nul", std::string_view("a\0b", 3)}};
  EXPECT_EQ(one.Build().Find("HTTP_X_NUL"), std::nullopt);
}

TEST(EnvironmentTest, TooMuchIsRefused) {
  Case one;
  const std::string large(Environment::kMaxBytes, 'x');
  one.fields.push_back({"X-Large", large});
  EXPECT_FALSE(one.TryBuild());
}

TEST(EnvironmentTest, StaysValidWhenMoved) {
  Case one;
  auto first = one.Build();
  const auto lines = Lines(first);
  const Environment second = std::move(first);
  EXPECT_EQ(Lines(second), lines);
  EXPECT_EQ(second.size(), lines.size());
}

}  // namespace
}  // namespace hydrapool::cgi
