#include "pool/sys/listen_queue.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <string>
#include <vector>

#include "pool/sys/scratch_dir.h"
#include "pool/sys/socket.h"

namespace hydrapool::sys {
namespace {

UniqueFd ConnectTo(const UniqueFd& listener) {
  return std::move(Connect(LocalAddress(listener.get()), std::chrono::seconds(10)).value());
}

TEST(ListenQueueTest, CountsWhoWaitsToBeAcceptedOverTcp) {
  const UniqueFd listener = Listen("127.0.0.1:0");
  const auto before = ReadListenQueue(listener.get());
  ASSERT_TRUE(before);
  EXPECT_EQ(before->length, 0u);
  EXPECT_GT(before->limit, 0u);
  std::vector<UniqueFd> clients;
  for (std::uint32_t i = 1; i <= 5; ++i) {
    clients.push_back(ConnectTo(listener));
    EXPECT_EQ(ReadListenQueue(listener.get())->length, i);
  }
  const Accepted accepted = Accept(listener.get());
  EXPECT_TRUE(accepted.fd);
  EXPECT_EQ(ReadListenQueue(listener.get())->length, 4u);
}

TEST(ListenQueueTest, TheLimitIsTheListenersOwn) {
  const UniqueFd listener = Listen("127.0.0.1:0");
  ASSERT_EQ(::listen(listener.get(), 7), 0);
  EXPECT_EQ(ReadListenQueue(listener.get())->limit, 7u);
}

TEST(ListenQueueTest, CountsWhoWaitsAtAUnixSocketWhereTheKernelSays) {
  const ScratchDir scratch("hydrapool-test");
  const std::string path = scratch / "socket";
  const UniqueFd listener = Listen("unix:" + path);
  const auto before = ReadListenQueue(listener.get());
  if (!before) GTEST_SKIP() << "this kernel has no sock_diag for UNIX sockets";
  EXPECT_EQ(before->length, 0u);
  EXPECT_GT(before->limit, 0u);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(ReadListenQueue(listener.get())->length, 1u);
}

TEST(ListenQueueTest, WhatDoesNotListenHasNone) {
  const UniqueFd listener = Listen("127.0.0.1:0");
  const UniqueFd client = ConnectTo(listener);
  EXPECT_FALSE(ReadListenQueue(client.get()));
  EXPECT_FALSE(ReadListenQueue(-1));
}

}  // namespace
}  // namespace hydrapool::sys
