#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "pool/testing/http_client.h"
#include "pool/testing/json.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

/// A client that reads nothing until an answer of its only worker cannot go out: all that was asked till then
/// is in the batch that is blocked.
class BlockedAnswerTest : public ::testing::Test {
 protected:
  std::string Ask() { return Get(fmt::format("/?{}-{}", asked_++, filler_)); }
  void SetUp() override {
    const auto idle = [this] { return server_.Status().at("leases").at("busy") == 0; };
    for (bool blocked = false; !blocked && !HasFatalFailure();) {
      ASSERT_TRUE(client_.Send(Ask())) << client_.error() << server_.Status().dump();
      blocked = true;
      for (int look = 0; blocked && look < 200; ++look) blocked = !idle();
    }
  }
  void ExpectAllAnswered() {
    for (int i = 0; i < asked_; ++i) {
      const auto answer = client_.Receive();
      ASSERT_TRUE(answer) << "no answer " << i << " of " << asked_ << ": " << client_.error();
      ASSERT_EQ(answer->body, fmt::format("hello {}-{}\n", i, filler_));
    }
  }

  const std::string filler_ = std::string(7'000, 'x');
  ServerProcess server_{{.workers = 1}};
  HttpClient client_{server_.address()};
  int asked_ = 0;
};

TEST_F(BlockedAnswerTest, WhatIsAskedMeanwhileIsAnswered) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client_.Send(Ask())) << client_.error() << server_.Status().dump();
  ExpectAllAnswered();
  EXPECT_EQ(client_.Rest(), "");
}

TEST_F(BlockedAnswerTest, AHalfCloseMeanwhileEndsTheConnection) {
  client_.FinishSending();
  ExpectAllAnswered();
  EXPECT_EQ(client_.Rest(), "");
}

}  // namespace
}  // namespace hydrapool::support
