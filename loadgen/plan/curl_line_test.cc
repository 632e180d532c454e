#include "loadgen/plan/curl_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Target One(std::string_view text) {
  const auto lines = ParseCurlLines(text);
  EXPECT_TRUE(lines) << lines.error().message;
  return lines && lines->targets.size() == 1 ? lines->targets[0] : Target{};
}

std::string Complaint(std::string_view text) {
  const auto lines = ParseCurlLines(text);
  return lines ? "no complaint" : lines.error().message;
}

TEST(CurlLineTest, ReadsWhatBrowsersCopy) {
  const auto target =
      One("curl 'http://h/a?b=c' \\\n  -X 'PUT' \\\n  -H 'accept: */*' -H \"X-Q: say \\\"hi\\\"\" \\\n"
          "  --data-raw $'{\"a\":\"it\\'s\\u0021\"}' --compressed --insecure");
  EXPECT_EQ(target.url, "http://h/a?b=c");
  EXPECT_EQ(target.method, "PUT");
  EXPECT_THAT(target.headers,
              ElementsAre("accept: */*", "X-Q: say \"hi\"", "Accept-Encoding: gzip, deflate"));
  EXPECT_EQ(target.body, R"({"a":"it's!"})");
}

TEST(CurlLineTest, OptionsMeanWhatCurlMeans) {
  EXPECT_EQ(One("curl -sSfd a=1 -d b=2 h/x").method, "POST");
  EXPECT_EQ(One("curl -sSfd a=1 -d b=2 h/x").body, "a=1&b=2");
  EXPECT_EQ(One("curl -G -d a=1 h/x").url, "http://h/x?a=1");
  EXPECT_EQ(One("curl -G -d a=1 h/x").method, "GET");
  EXPECT_EQ(One("curl -I h").method, "HEAD");
  EXPECT_EQ(One("curl -uann:x -XDELETE h").user, "ann:x");
  EXPECT_EQ(One("curl -uann:x -XDELETE h").method, "DELETE");
  EXPECT_THAT(One("curl -A me -e http://r -b a=b h").headers,
              ElementsAre("User-Agent: me", "Referer: http://r", "Cookie: a=b"));
}

TEST(CurlLineTest, AHeaderStandsForWhatOtherOptionsMake) {
  EXPECT_THAT(
      One("curl --compressed -A me -b a=b -H 'accept-encoding: br' -H 'user-agent: x' -b c=d h").headers,
      ElementsAre("accept-encoding: br", "user-agent: x", "Cookie: a=b; c=d"));
  EXPECT_THAT(One("curl --json '{' --json '}' h").headers,
              ElementsAre("Content-Type: application/json", "Accept: application/json"));
  EXPECT_EQ(One("curl --json '{' --json '}' h").body, "{}");
}

TEST(CurlLineTest, DataIsEncodedAsCurlDoes) {
  EXPECT_EQ(One("curl --data-urlencode 'q=a b&c' --data-urlencode '=x=y' --data-urlencode é h").body,
            "q=a%20b%26c&x%3Dy&%C3%A9");
  EXPECT_EQ(One("curl -G --data-urlencode 'q=a b' h/x?y=1").url, "http://h/x?y=1&q=a%20b");
  EXPECT_THAT(Complaint("curl --data-urlencode q@/none h"), HasSubstr("cannot read /none"));
}

TEST(CurlLineTest, UrlsAreOneEach) {
  EXPECT_EQ(One(R"(curl 'http://h/?a\[0\]=\{b\}')").url, "http://h/?a[0]={b}");
  EXPECT_EQ(One("curl 'http://[::1]:80/?a[]=1'").url, "http://[::1]:80/?a[]=1");
  EXPECT_EQ(One("curl -g 'http://h/{a,b}[1-2]'").url, "http://h/{a,b}[1-2]");
  EXPECT_THAT(Complaint("curl 'http://h/{a,b}'"),
              HasSubstr("curl would make several URLs of 'http://h/{a,b}'"));
  EXPECT_THAT(Complaint("curl h/1; curl 'h/[1-3]'"), HasSubstr("command 2: curl would make several"));
}

TEST(CurlLineTest, SeveralCommandsAndWhatIsForLoadgen) {
  const auto lines = ParseCurlLines("# don't mind\ncurl -k h/a; curl -m 5 h/b &&\n\ncurl h/c h/d # two\n");
  ASSERT_TRUE(lines) << lines.error().message;
  EXPECT_EQ(lines->targets.size(), 4u);
  EXPECT_THAT(lines->notes,
              ElementsAre(HasSubstr("--insecure: for loadgen"), HasSubstr("--max-time 5: for")));
}

TEST(CurlLineTest, MistakesAreSaid) {
  EXPECT_THAT(Complaint("curl 'h"), HasSubstr("a quote (') that does not end"));
  EXPECT_THAT(Complaint("wget h"), HasSubstr("'wget' is no curl command"));
  EXPECT_THAT(Complaint("curl -H"), HasSubstr("--header lacks its value"));
  EXPECT_THAT(Complaint("curl --ftp-pasv h"), HasSubstr("--ftp-pasv is not known"));
  EXPECT_THAT(Complaint("curl -s"), HasSubstr("without a URL"));
  EXPECT_THAT(Complaint("curl -d @/none h"), HasSubstr("cannot read /none"));
  EXPECT_THAT(Complaint(""), HasSubstr("no curl command"));
  EXPECT_THAT(Complaint("curl h | jq ."), HasSubstr("'|' outside quotes is for the shell"));
  EXPECT_THAT(Complaint("curl h > out"), HasSubstr("'>' outside quotes"));
  EXPECT_THAT(Complaint("curl http://h/?a=1&b=2"), HasSubstr("'&' outside quotes"));
  for (const auto* cut : {"curl \\", "curl $'\\", "curl \"\\", "curl $'\\x4", "curl h\\\r\n"}) Complaint(cut);
}

}  // namespace
}  // namespace hydrapool::loadgen
