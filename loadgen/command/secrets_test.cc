#include "loadgen/command/secrets.h"

#include <gtest/gtest.h>

namespace hydrapool::loadgen {
namespace {

TEST(WithoutSecretsTest, NothingOfThemIsLeft) {
  EXPECT_EQ(WithoutSecrets("-u", "ann:pw"), "******");
  EXPECT_EQ(WithoutSecrets("", "-uann:pw"), "-u******");
  EXPECT_EQ(WithoutSecrets("", "--user=ann:pw"), "--user=******");
  EXPECT_EQ(WithoutSecrets("", "http://ann:p@w@h/a@b"), "http://*******@h/a@b");
  EXPECT_EQ(WithoutSecrets("", "ann:pw@h"), "******@h");
  EXPECT_EQ(WithoutSecrets("-x", "ann:pw@proxy:3128"), "******@proxy:3128");
  EXPECT_EQ(WithoutSecrets("", "--proxy=ann:pw@proxy:3128"), "--proxy=******@proxy:3128");
  EXPECT_EQ(WithoutSecrets("--target", "http://ann:pw@h/ rate=5/s"), "http://******@h/ rate=5/s");
  EXPECT_EQ(WithoutSecrets("-H", "Authorization: Bearer x"), "Authorization:*********");
  EXPECT_EQ(WithoutSecrets("", "--header=proxy-authorization:x"), "--header=proxy-authorization:*");
  EXPECT_EQ(WithoutSecrets("-H", "cookie: id=7"), "cookie:*****");
  EXPECT_EQ(WithoutSecrets("-H", "Authorization Basic x"), "Authorization *******");
}

TEST(WithoutSecretsTest, TheRestStays) {
  for (const auto* arg :
       {"http://h/a@b?c=d@e", "-c", "64", "--json", "", "@body.json", "X-Id: 7", "--unix-socket=/x"})
    EXPECT_EQ(WithoutSecrets("", arg), arg);
}

TEST(PrivateArgumentsTest, TheCopyIsWholeTheOriginalIsNot) {
  std::string program = "loadgen";
  std::string flag = "-u";
  std::string user = "ann:pw";
  char* argv[] = {program.data(), flag.data(), user.data(), nullptr};
  const PrivateArguments arguments(3, argv);
  EXPECT_STREQ(arguments.argv()[2], "ann:pw");
  EXPECT_EQ(arguments.argv()[3], nullptr);
  EXPECT_EQ(user, "******");
  EXPECT_EQ(program, "loadgen");
}

}  // namespace
}  // namespace hydrapool::loadgen
