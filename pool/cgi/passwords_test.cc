#include "pool/cgi/passwords.h"

#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
#include <string>

#include "pool/sys/scratch_dir.h"

namespace hydrapool::cgi {
namespace {

constexpr const char* kApr1 = "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0";
constexpr const char* kSha512 =
    "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1";
constexpr const char* kBcrypt = "$2b$04$t0JBT1W6oK4GMgooFBVv6.bL11.P2kI6AgkA29fuGH2dMGlM7q6py";

TEST(HashTest, IsThatOfOnePassword) {
  for (const std::string hash : {kApr1, kSha512, kBcrypt}) {
    EXPECT_EQ(HasHash("secret", hash), true) << hash;
    for (const std::string other : {"", "Secret", "secre", "secret ", "secretsecret"})
      EXPECT_EQ(HasHash(other, hash), false) << hash;
  }
  EXPECT_EQ(HasHash("a much longer password than sixteen bytes", "$apr1$xy$KWmjAYxMqmqTjytotPjDu."), true);
  EXPECT_EQ(HasHash("", "$apr1$e$884UIJwaHzNF9yPyifJmN1"), true);
}

TEST(HashTest, OfNoOtherKindIsKnown) {
  for (const std::string hash :
       {"", "secret", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "rl0uE.ZqbBrHM", "$apr1$", "$apr1$salt",
        "$apr1$toolongasalt$JOW0gSYtWZOhDq2dC9Du10", "$apr1$salt$short", "$9$x$y", "$"})
    EXPECT_FALSE(HasHash("secret", hash)) << hash;
}

class PasswordsTest : public testing::Test {
 protected:
  void Write(const std::string& text) const { std::ofstream(path_) << text; }
  std::string Complaint() const {
    try {
      const Passwords passwords(path_);
    } catch (const std::runtime_error& error) {
      return std::string(error.what()).substr(path_.size());
    }
    return "none";
  }
  const sys::ScratchDir scratch_{"passwords_test"};
  const std::string path_ = scratch_ / "htpasswd";
};

TEST_F(PasswordsTest, LetTheirUsersInAndNobodyElse) {
  Write(std::string("# users\n\njoe:") + kApr1 + "\nann:" + kSha512 + "\r\nbob:" + kBcrypt + ":a comment\n");
  Passwords passwords(path_);
  for (int again = 0; again < 2; ++again) {
    for (const std::string user : {"joe", "ann", "bob"}) {
      EXPECT_TRUE(passwords.Check(user, "secret")) << user;
      EXPECT_FALSE(passwords.Check(user, "other")) << user;
      EXPECT_FALSE(passwords.Check(user, "")) << user;
      EXPECT_FALSE(passwords.Check(user, std::string("secret\0", 7))) << user;
    }
    for (const std::string user : {"", "Joe", "jo", "joe:", "# users"})
      EXPECT_FALSE(passwords.Check(user, "secret")) << user;
  }
}

TEST_F(PasswordsTest, AreReadAgainWhenTheyHaveChanged) {
  Write(std::string("joe:") + kApr1 + "\n");
  Passwords passwords(path_);
  EXPECT_TRUE(passwords.Check("joe", "secret"));
  Write(std::string("ann:") + kApr1 + "\n");
  EXPECT_FALSE(passwords.Check("joe", "secret")) << "also what was remembered";
  EXPECT_TRUE(passwords.Check("ann", "secret"));
  Write("ann:nonsense\n");
  EXPECT_FALSE(passwords.Check("ann", "secret"));
}

TEST_F(PasswordsTest, WhatIsWrongWithThemIsALine) {
  EXPECT_EQ(Complaint(), ": No such file or directory");
  Write(std::string("joe:") + kApr1 + "\nann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
  EXPECT_EQ(Complaint(), ":2: not USER:HASH with a hash of bcrypt, SHA-512 or apr1");
  for (const std::string bad : {"joe\n", ":x\n", "joe:\n", "joe:secret\n"}) {
    Write(bad);
    EXPECT_TRUE(Complaint().starts_with(":1: ")) << bad;
  }
  Write("");
  EXPECT_EQ(Complaint(), "none");
}

}  // namespace
}  // namespace hydrapool::cgi
