#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "pool/admin/server.h"
#include "pool/admin/test_server.h"

namespace hydrapool::admin {
namespace {

constexpr sys::Nanos kHour = 3600 * sys::kSecond;
constexpr std::size_t kBig = std::size_t{16} << 20;
constexpr std::string_view kGetBig = "GET /big HTTP/1.0\r\n\r\n";

/// A server that runs only while a test turns its loop, and which lets no time pass: whoever is not answered
/// at once is not answered.
class AdminCrowdTest : public ::testing::Test {
 protected:
  static std::vector<sys::UniqueFd> Crowd(const Server& server, std::size_t size, std::string_view says) {
    std::vector<sys::UniqueFd> crowd;
    while (crowd.size() < size) {
      crowd.push_back(Connect(server.address()));
      Send(crowd.back(), says);
    }
    return crowd;
  }

  void Turn() { loop_.RunOnce(sys::Now() + kTurn); }

  /// All that comes to a client, to the end.
  std::string AnswerTo(const sys::UniqueFd& client) {
    std::string answer;
    std::vector<char> buffer(1 << 20);
    for (int turns = 0; turns < 2000; ++turns) {
      Turn();
      ssize_t got;
      while ((got = ::recv(client.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0)
        answer.append(buffer.data(), static_cast<std::size_t>(got));
      if (got == 0) return answer;
      if (errno != EAGAIN) return answer + "(reset)";
    }
    return answer + "(no end)";
  }
  std::string AnswerTo(const Server& server, std::string_view request) {
    const auto client = Connect(server.address());
    Send(client, request);
    return AnswerTo(client);
  }

  /// As many as may be in the middle of a large page, none of which takes any of it.
  std::vector<sys::UniqueFd> Stuck(const Server& server) {
    std::vector<sys::UniqueFd> stuck;
    while (stuck.size() < Server::kMaxTaking) {
      stuck.push_back(Connect(server.address()));
      Send(stuck.back(), kGetBig);
      for (const int want = rendered_ + 1; rendered_ < want;) Turn();
    }
    return stuck;
  }

  static constexpr sys::Nanos kTurn = 5 * sys::kMillisecond;
  sys::EventLoop loop_;
  int rendered_ = 0;
  Server::Pages pages_{{"/hello",
                        [this] {
                          ++rendered_;
                          return Page{200, "text/plain", "hello\n"};
                        }},
                       {"/big", [this] {
                          ++rendered_;
                          return Page{200, "text/plain", std::string(kBig, 'x')};
                        }}};
  Server patient_{loop_, sys::Listen("127.0.0.1:0"), pages_, {.deadline = kHour, .grace = kHour}};
};

bool IsWhole(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 200 ") && answer.size() - answer.find("\r\n\r\n") - 4 == kBig;
}

TEST_F(AdminCrowdTest, ThoseWhoKeepSilentKeepNobodyWaiting) {
  for (const std::string_view says : {"", "GET /hello"}) {
    const auto crowd = Crowd(patient_, 400, says);
    EXPECT_TRUE(AnswerTo(patient_, kGetHello).ends_with("hello\n"));
    EXPECT_LE(patient_.connections(), Server::kMaxConnections);
  }
}

sys::UniqueFd ConnectFrom(const char* address, const std::string& to) {
  sys::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in from{};
  from.sin_family = AF_INET;
  EXPECT_EQ(::inet_pton(AF_INET, address, &from.sin_addr), 1);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from), 0);
  from.sin_port = htons(static_cast<std::uint16_t>(std::stoi(sys::SplitHostPort(to)->port)));
  EXPECT_EQ(::inet_pton(AF_INET, "127.0.0.1", &from.sin_addr), 1);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from), 0);
  return fd;
}

TEST_F(AdminCrowdTest, ACrowdFromOneAddressCostsAnotherNothing) {
  const auto slow = ConnectFrom("127.0.0.2", patient_.address());
  const auto crowd = Crowd(patient_, 400, "");
  EXPECT_TRUE(AnswerTo(patient_, kGetHello).ends_with("hello\n")) << "behind all of the crowd";
  Send(slow, kGetHello);
  EXPECT_TRUE(AnswerTo(slow).ends_with("hello\n"));
}

TEST_F(AdminCrowdTest, ThoseWhoGoOnSendingKeepNobodyWaiting) {
  const auto crowd =
      Crowd(patient_, 200, "POST /hello HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nx");
  EXPECT_TRUE(AnswerTo(patient_, kGetHello).ends_with("hello\n"));
}

TEST_F(AdminCrowdTest, WhatHasArrivedCountsBeforeAnyoneMakesRoom) {
  auto clients = Crowd(patient_, Server::kMaxConnections, "");
  while (patient_.connections() < Server::kMaxConnections) Turn();
  clients.push_back(Connect(patient_.address()));
  for (const auto& client : clients) Send(client, kGetHello);
  for (const auto& client : clients) EXPECT_TRUE(AnswerTo(client).ends_with("hello\n"));
}

TEST_F(AdminCrowdTest, OneInTheMiddleOfItsPageGivesWayToNobody) {
  const auto client = Connect(patient_.address());
  Send(client, kGetBig);
  while (rendered_ < 1) Turn();
  const auto crowd = Crowd(patient_, 200, "");
  EXPECT_TRUE(AnswerTo(patient_, kGetHello).ends_with("hello\n")) << "behind all of the crowd";
  EXPECT_TRUE(IsWhole(AnswerTo(client)));
}

TEST_F(AdminCrowdTest, ThoseWhoTakeALargePageSlowlyKeepNobodyFromASmallOne) {
  const auto slow = Stuck(patient_);
  EXPECT_TRUE(AnswerTo(patient_, kGetHello).ends_with("hello\n"));
  EXPECT_TRUE(AnswerTo(patient_, kGetBig).starts_with("HTTP/1.1 503 "));
  for (const auto& client : slow) EXPECT_TRUE(IsWhole(AnswerTo(client)));
  EXPECT_TRUE(IsWhole(AnswerTo(patient_, kGetBig))) << "and they have gone";
}

TEST_F(AdminCrowdTest, ThoseWhoTakeNothingOfALargePageMakeRoom) {
  const Server impatient(loop_, sys::Listen("127.0.0.1:0"), pages_, {.deadline = kHour, .grace = 0});
  const auto stuck = Stuck(impatient);
  EXPECT_TRUE(IsWhole(AnswerTo(impatient, kGetBig)));
}

TEST_F(AdminCrowdTest, AFloodDoesNotHoldTheLoop) {
  constexpr int kFlood = 200;
  const auto flood = Crowd(patient_, kFlood, kGetHello);
  for (const auto& client : flood) ::shutdown(client.get(), SHUT_WR);
  int most = 0;
  for (int before = 0, turns = 0; rendered_ < kFlood && turns < 2000; before = rendered_, ++turns) {
    Turn();
    most = std::max(most, rendered_ - before);
  }
  EXPECT_EQ(rendered_, kFlood);
  EXPECT_LE(most, Server::kAnswersATurn);
}

TEST_F(AdminCrowdTest, ThoseWhoNeverReadKeepNobodyWaiting) {
  constexpr int kFlood = 100;
  const auto clients = Crowd(patient_, kFlood, kGetHello);
  for (int turns = 0; rendered_ < kFlood && turns < 2000; ++turns) Turn();
  EXPECT_EQ(rendered_, kFlood);
  for (const auto& client : clients) {
    char text[512] = {};
    pollfd answered{client.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&answered, 1, 10'000), 1);
    EXPECT_GT(::recv(client.get(), text, sizeof text - 1, 0), 0);
    EXPECT_TRUE(std::string_view(text).ends_with("hello\n")) << "closed, but not reset";
  }
}

}  // namespace
}  // namespace hydrapool::admin
