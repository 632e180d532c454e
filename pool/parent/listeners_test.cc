#include "pool/parent/listeners.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "pool/sys/socket.h"

namespace hydrapool {
namespace {

class ListenersTest : public testing::Test {
 protected:
  ListenersTest() {
    std::vector<sys::UniqueFd> sockets;
    sockets.push_back(sys::Listen("127.0.0.1:0"));
    address_ = sys::LocalAddress(sockets.front().get());
    listeners_.Hold(std::move(sockets));
    listeners_.Open();
  }
  void Connect(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      clients_.push_back(std::move(sys::Connect(address_, std::chrono::seconds(10)).value()));
  }
  /// Rounds in which something happens.
  void Run() {
    while (loop_.RunOnce(0)) listeners_.OnRoom();
  }

  sys::EventLoop loop_;
  PoolCounts counts_;
  std::size_t places_ = 2;
  std::size_t spare_ = 0;
  std::vector<sys::UniqueFd> inside_;
  Listeners listeners_{loop_,
                       counts_,
                       {.has_room = [this] { return inside_.size() < places_; },
                        .make_room =
                            [this] {
                              if (spare_ == 0) return false;
                              --spare_;
                              inside_.erase(inside_.begin());
                              return true;
                            },
                        .let_in = [this](sys::UniqueFd fd, bool) { inside_.push_back(std::move(fd)); }}};
  std::string address_;
  std::vector<sys::UniqueFd> clients_;
};

TEST_F(ListenersTest, LetsInWhoComesAsFarAsThereIsRoom) {
  Connect(5);
  Run();
  EXPECT_EQ(inside_.size(), 2u);
  EXPECT_EQ(counts_.accepted.value(), 2u);
  listeners_.Measure();
  EXPECT_EQ(counts_.listen_queue, 3u);
  EXPECT_EQ(counts_.accept_errors.value(), 0u);
}

TEST_F(ListenersTest, RestsWhileThereIsNoRoomAndGoesOnWhenThereIs) {
  Connect(5);
  Run();
  EXPECT_FALSE(loop_.RunOnce(0)) << "does not spin on a socket it cannot accept from";
  places_ = 4;
  listeners_.OnRoom();
  Run();
  EXPECT_EQ(inside_.size(), 4u);
  listeners_.Measure();
  EXPECT_EQ(counts_.listen_queue, 1u);
  EXPECT_GT(counts_.listen_queue_limit, 1u);
}

TEST_F(ListenersTest, OpenedWhileThereIsNoRoomItGoesOnWhenThereIs) {
  places_ = 0;
  sys::EventLoop loop;
  std::vector<sys::UniqueFd> sockets;
  sockets.push_back(sys::Listen("127.0.0.1:0"));
  address_ = sys::LocalAddress(sockets.front().get());
  int let_in = 0;
  Listeners later(loop, counts_,
                  {.has_room = [this] { return places_ > 0; },
                   .make_room = [] { return false; },
                   .let_in = [&let_in](const sys::UniqueFd&, bool) { ++let_in; }});
  later.Hold(std::move(sockets));
  later.Open();
  Connect(1);
  places_ = 1;
  later.OnRoom();
  while (loop.RunOnce(0)) {
  }
  EXPECT_EQ(let_in, 1);
}

TEST_F(ListenersTest, MakesRoomForWhoWaitsButForNoOneElse) {
  spare_ = 10;
  Connect(2);
  Run();
  listeners_.Measure();
  EXPECT_EQ(spare_, 10u);
  Connect(3);
  Run();
  EXPECT_EQ(counts_.accepted.value(), 5u);
  EXPECT_EQ(spare_, 7u);
}

TEST_F(ListenersTest, RoomThatCouldNotBeMadeIsMadeLater) {
  Connect(3);
  Run();
  EXPECT_EQ(counts_.accepted.value(), 2u);
  spare_ = 1;
  listeners_.Measure();
  listeners_.OnRoom();
  Run();
  EXPECT_EQ(counts_.accepted.value(), 3u);
}

TEST_F(ListenersTest, WithoutADescriptorItTriesAgainLaterAndLosesNoOne) {
  Connect(1);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  loop_.RunOnce(sys::Now() + sys::kSecond);
  EXPECT_EQ(counts_.accept_errors.value(), 1u);
  EXPECT_FALSE(loop_.RunOnce(0)) << "does not spin";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  for (const sys::Nanos deadline = sys::Now() + 10 * sys::kSecond; inside_.empty() && sys::Now() < deadline;)
    loop_.RunOnce(deadline);
  EXPECT_EQ(inside_.size(), 1u);
  EXPECT_EQ(counts_.accept_errors.value(), 1u);
}

TEST_F(ListenersTest, ThoseInTheBacklogAreLetInBeforeItCloses) {
  places_ = 10;
  Connect(3);
  listeners_.Close();
  EXPECT_EQ(inside_.size(), 3u);
  EXPECT_FALSE(sys::Connect(address_, std::chrono::seconds(1)).has_value());
  listeners_.Measure();
  EXPECT_EQ(counts_.listen_queue_limit, 0u);
}

}  // namespace
}  // namespace hydrapool
