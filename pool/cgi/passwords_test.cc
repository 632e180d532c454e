#include "pool/cgi/passwords.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

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

TEST(HashTest, IsToldByItsFormAlone) {
  for (const std::string hash :
       {kApr1, kSha512, kBcrypt, "$apr1$xy$KWmjAYxMqmqTjytotPjDu.",
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
        "$6$rounds=9000$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN."
        "Pq."
        "H91p5hVO1",
        "$5$saltsalt$LQOE2Gxuw4GPDAjDnNLdjX7Qx5tS7pGXTQ3ZOLVyDW1"})
    EXPECT_TRUE(IsHash(hash)) << hash;
  for (const std::string hash :
       {"", "secret", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "rl0uE.ZqbBrHM", "$apr1$", "$apr1$salt",
        "$apr1$toolongasalt$JOW0gSYtWZOhDq2dC9Du10", "$apr1$salt$short", "$9$x$y", "$", "$2b$", "$6$",
        "$2b$04$t0JBT1W6oK4GMgooFBVv6.bL11.P2kI6AgkA29fuGH2dMGlM7q6p",
        "$2b$99$t0JBT1W6oK4GMgooFBVv6.bL11.P2kI6AgkA29fuGH2dMGlM7q6py",
        "$2b$04$t0JBT1W6oK4GMgooFBVv6.bL11.P2kI6AgkA29fuGH2dMGlM7q6p*", "$6$saltsalt$short"})
    EXPECT_FALSE(IsHash(hash)) << hash;
}

TEST(HashTest, IsAsDearAsItsKindAndCost) {
  const std::string bcrypt = kBcrypt;
  const auto of_cost = [&bcrypt](const std::string& cost) {
    return CostOf("$2b$" + cost + bcrypt.substr(bcrypt.find('$', 4)));
  };
  EXPECT_LT(CostOf(kApr1), CostOf(kSha512));
  EXPECT_LT(CostOf(kSha512), of_cost("10"));
  EXPECT_LT(of_cost("10"), of_cost("12"));
  EXPECT_EQ(CostOf("secret"), 0);
}

/// The hashes that were asked for since the last look.
std::vector<std::string>& Asked() {
  static std::vector<std::string> asked;
  return asked;
}
std::optional<bool> NoteAndHasHash(const std::string& password, const std::string& hash) {
  Asked().push_back(hash);
  return password == "secret";
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

TEST_F(PasswordsTest, ToLoadThemComputesNoHash) {
  std::string dear = kBcrypt;
  dear.replace(4, 2, "14");
  std::string lines;
  for (int i = 0; i < 200; ++i) lines += "user" + std::to_string(i) + ":" + dear + "\n";
  Write(lines);
  Asked().clear();
  Passwords passwords(path_, &NoteAndHasHash);
  EXPECT_TRUE(Asked().empty());
  EXPECT_TRUE(passwords.Check("user7", "secret"));
  EXPECT_EQ(Asked().size(), 1u);
  Write(lines + "joe:" + dear.substr(0, dear.size() - 1) + "\n");
  EXPECT_TRUE(Complaint().starts_with(":201: "));
}

TEST_F(PasswordsTest, AUserWhoIsNotThereCostsWhatTheDearestDoes) {
  const std::string cheap = kBcrypt;
  std::string dear = kBcrypt;
  dear.replace(4, 2, "12");
  Write("ann:" + std::string(kApr1) + "\njoe:" + dear + "\nbob:" + cheap + "\n");
  Passwords passwords(path_, &NoteAndHasHash);
  Asked().clear();
  EXPECT_FALSE(passwords.Check("eve", "other"));
  EXPECT_FALSE(passwords.Check("eve", "secret")) << "it is nobody's";
  EXPECT_FALSE(passwords.Check("joe", "other"));
  EXPECT_EQ(Asked(), std::vector<std::string>(3, dear));
}

TEST_F(PasswordsTest, ThatTheirFileIsGoneIsToldOnce) {
  Write(std::string("joe:") + kApr1 + "\n");
  Passwords passwords(path_);
  std::filesystem::remove(path_);
  testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(passwords.Check("joe", "secret"));
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find(path_), told.npos);
  EXPECT_EQ(told.find(path_), told.rfind(path_)) << told;
  Write(std::string("joe:") + kApr1 + "\n");
  EXPECT_TRUE(passwords.Check("joe", "secret"));
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
