#include "pool/sys/await.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>

#include "pool/sys/error.h"
#include "pool/sys/signal_storm.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class AwaitTest : public testing::Test {
 protected:
  void Write() const { Check(::write(write_.get(), "x", 1), "write"); }

  std::array<int, 2> ends_ = [] {
    std::array<int, 2> ends;
    Check(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), "pipe2");
    return ends;
  }();
  const UniqueFd read_{ends_[0]};
  UniqueFd write_{ends_[1]};
};

TEST_F(AwaitTest, SaysWhetherItCame) {
  EXPECT_FALSE(Await(read_.get(), POLLIN, milliseconds(0)));
  EXPECT_FALSE(Await(read_.get(), POLLIN, milliseconds(3)));
  Write();
  EXPECT_TRUE(Await(read_.get(), POLLIN, milliseconds(0)));
}

TEST_F(AwaitTest, AnEndIsAlsoWhatOneWaitsFor) {
  write_.Reset();
  EXPECT_TRUE(Await(read_.get(), POLLIN, seconds(60)));
}

TEST_F(AwaitTest, SignalsDoNotEndIt) {
  const SignalStorm storm(5, [this] { Write(); });
  EXPECT_TRUE(Await(read_.get(), POLLIN, seconds(60)));
  EXPECT_GE(storm.count(), 5);
}

TEST_F(AwaitTest, SignalsDoNotMakeItLonger) {
  const SignalStorm storm;
  EXPECT_FALSE(Await(read_.get(), POLLIN, milliseconds(20)));
}

}  // namespace
}  // namespace hydrapool::sys
