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

TEST(CurlLineTest, SeveralCommandsAndWhatIsForLoadgen) {
  const auto lines = ParseCurlLines("# a note\ncurl -k h/a; curl -m 5 h/b\n\ncurl h/c h/d\n");
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
  for (const auto* cut : {"curl \\", "curl $'\\", "curl \"\\", "curl $'\\x4", "curl h\\\r\n"}) Complaint(cut);
}

}  // namespace
}  // namespace hydrapool::loadgen
