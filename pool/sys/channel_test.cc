#include "pool/sys/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "pool/sys/child.h"
#include "pool/sys/test_tcp.h"

namespace hydrapool::sys {
namespace {

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Pipe MakePipe() {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("pipe2");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::span<const std::byte> Bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

class ChannelTest : public testing::Test {
 protected:
  std::optional<Channel::Packet> Receive(const Channel& channel) { return channel.Receive(buffer_); }
  std::string Text(const Channel& channel) {
    const auto packet = Receive(channel);
    if (!packet) return "(nothing)";
    return {reinterpret_cast<const char*>(packet->bytes.data()), packet->bytes.size()};
  }

  std::array<std::byte, Channel::kMaxPacket> buffer_;
  std::pair<Channel, Channel> pair_ = MakeChannel();
  Channel& a_ = pair_.first;
  Channel& b_ = pair_.second;
};

using Status = Channel::SendStatus;

TEST_F(ChannelTest, MessagesKeepTheirBoundsAndOrderInBothDirections) {
  EXPECT_EQ(a_.Send(Bytes("one"), {}), Status::kSent);
  EXPECT_EQ(a_.Send(Bytes("two"), {}), Status::kSent);
  EXPECT_EQ(b_.Send(Bytes("back"), {}), Status::kSent);
  EXPECT_EQ(Text(b_), "one");
  EXPECT_EQ(Text(b_), "two");
  EXPECT_EQ(Text(a_), "back");
}

TEST_F(ChannelTest, NothingThereIsNullopt) { EXPECT_FALSE(Receive(a_)); }

TEST_F(ChannelTest, ABatchOfDescriptorsComesInOrderAndCloseOnExec) {
  std::vector<Pipe> pipes(Channel::kMaxDescriptors);
  std::vector<int> ends;
  for (Pipe& pipe : pipes) {
    pipe = MakePipe();
    ends.push_back(pipe.write.get());
  }
  ASSERT_EQ(a_.Send(Bytes("x"), ends), Status::kSent);
  const auto packet = Receive(b_);
  ASSERT_TRUE(packet);
  EXPECT_FALSE(packet->truncated);
  ASSERT_EQ(packet->descriptors.size(), pipes.size());
  for (std::size_t i = 0; i < pipes.size(); ++i) {
    EXPECT_NE(::fcntl(packet->descriptors[i].get(), F_GETFD) & FD_CLOEXEC, 0);
    const auto mark = static_cast<char>(i);
    ASSERT_EQ(::write(packet->descriptors[i].get(), &mark, 1), 1);
    char got = -1;
    ASSERT_EQ(::read(pipes[i].read.get(), &got, 1), 1);
    EXPECT_EQ(got, mark);
  }
}

TEST_F(ChannelTest, ALargestPacketComesWhole) {
  const std::string text(Channel::kMaxPacket, 'x');
  EXPECT_EQ(a_.Send(Bytes(text), {}), Status::kSent);
  EXPECT_EQ(Text(b_), text);
}

TEST_F(ChannelTest, WhenFullItSaysSoAndLosesNothing) {
  const Pipe pipe = MakePipe();
  const std::array descriptors{pipe.read.get()};
  int sent = 0;
  while (a_.Send(Bytes(std::to_string(sent)), descriptors) == Status::kSent) ++sent;
  EXPECT_GT(sent, 10);
  EXPECT_EQ(a_.Send(Bytes("more"), {}), Status::kFull);
  for (int i = 0; i < sent; ++i) {
    const auto packet = Receive(b_);
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->descriptors.size(), 1u);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(packet->bytes.data()), packet->bytes.size()),
              std::to_string(i));
  }
  EXPECT_FALSE(Receive(b_));
  EXPECT_EQ(a_.Send(Bytes("again"), descriptors), Status::kSent);
}

TEST_F(ChannelTest, WhenNobodyWillReceiveItSaysBroken) {
  b_.Close();
  EXPECT_EQ(a_.Send(Bytes("x"), {}), Status::kBroken);
  EXPECT_EQ(a_.Send(Bytes("x"), {}), Status::kBroken);
}

TEST_F(ChannelTest, WhatWasSentStaysReadableAfterTheSendersEnd) {
  const Pipe pipe = MakePipe();
  const std::array descriptors{pipe.write.get()};
  a_.Send(Bytes("first"), descriptors);
  a_.Send(Bytes("second"), {});
  a_.Close();
  const auto packet = Receive(b_);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->descriptors.size(), 1u);
  EXPECT_EQ(Text(b_), "second");
  EXPECT_EQ(Text(b_), "");
  EXPECT_EQ(Text(b_), "");
}

TEST_F(ChannelTest, WhatWasSentStaysReadableAlsoWhereTheSenderLeftItsOwnMessagesUnread) {
  b_.Send(Bytes("never looked at"), {});
  a_.Send(Bytes("last words"), {});
  a_.Close();
  EXPECT_EQ(Text(b_), "last words");
  EXPECT_EQ(Text(b_), "");
}

TEST_F(ChannelTest, WhatAKilledProcessSentIsReceived) {
  const Pipe pipe = MakePipe();
  Child child = Child::Fork([&]() -> int {
    const std::array descriptors{pipe.write.get()};
    a_.Send(Bytes("last words"), descriptors);
    return ::raise(SIGKILL);
  });
  a_.Close();
  ASSERT_TRUE(test::WaitFor(child.pidfd(), POLLIN));
  EXPECT_EQ(child.TryReap()->Describe(), "SIGKILL");
  const auto packet = Receive(b_);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->bytes.size(), 10u);
  EXPECT_EQ(packet->descriptors.size(), 1u);
}

TEST_F(ChannelTest, DescriptorsLeftInADeadReceiversEndAreClosed) {
  Pipe pipe = MakePipe();
  Child child = Child::Fork([] {
    for (;;) ::pause();
    return 0;
  });  // holds a copy of b
  b_.Close();
  const std::array descriptors{pipe.write.get()};
  ASSERT_EQ(a_.Send(Bytes("x"), descriptors), Status::kSent);
  pipe.write.Reset();  // the last copy but the child's is now in flight; the child has one from its fork
  child.Signal(SIGKILL);
  ASSERT_TRUE(test::WaitFor(child.pidfd(), POLLIN));
  EXPECT_TRUE(child.TryReap());
  ASSERT_TRUE(test::WaitFor(pipe.read.get(), POLLIN));
  char byte;
  EXPECT_EQ(::read(pipe.read.get(), &byte, 1), 0);  // end of file: no writer is left
}

TEST_F(ChannelTest, AReceiverAtItsLimitOfOpenFilesIsToldThatDescriptorsWereLost) {
  const Pipe pipe = MakePipe();
  const std::vector<int> descriptors(10, pipe.write.get());
  ASSERT_EQ(a_.Send(Bytes("x"), descriptors), Status::kSent);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next = ::dup(pipe.read.get());
  ::close(next);
  const rlimit tight{static_cast<rlim_t>(next) + 3, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &tight);
  const auto packet = Receive(b_);
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->bytes.size(), 1u);
  EXPECT_TRUE(packet->truncated);
  EXPECT_LE(packet->descriptors.size(), 3u);  // what is left of them depends on what the test inherited
}

}  // namespace
}  // namespace hydrapool::sys
