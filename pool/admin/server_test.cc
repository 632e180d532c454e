#include "pool/admin/server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "pool/admin/client.h"
#include "pool/admin/listen.h"
#include "pool/admin/test_server.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool::admin {
namespace {

using std::chrono_literals::operator""s;

/// All that comes until the end; "(error)" at the end of it where that is not a clean one within 10 s.
std::string ReadAll(const sys::UniqueFd& fd) {
  std::string all;
  char buffer[64 * 1024];
  for (;;) {
    pollfd waiting{fd.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 10'000) != 1) return all + "(error)";
    const ssize_t got = ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (got < 0) return all + "(error)";
    if (got == 0) return all;
    all.append(buffer, static_cast<std::size_t>(got));
  }
}

std::string Ask(const std::string& address, std::string_view bytes) {
  const auto fd = Connect(address);
  Send(fd, bytes);
  return ReadAll(fd);
}

TEST(AdminServerTest, AnswersOnceAndCloses) {
  const TestServer server(SomePages());
  const auto reply = Ask(server.address(), kGetHello);
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n")) << reply;
  EXPECT_NE(reply.find("\r\nConnection: close\r\n"), reply.npos);
  EXPECT_NE(reply.find("\r\nContent-Length: 6\r\n"), reply.npos);
  EXPECT_NE(reply.find("\r\nDate: "), reply.npos);
  EXPECT_TRUE(reply.ends_with("\r\n\r\nhello\n"));
  EXPECT_EQ(Ask(server.address(), std::string(kGetHello) + std::string(kGetHello)).size(), reply.size());
}

TEST(AdminServerTest, HeadHasNoBody) {
  const TestServer server(SomePages());
  const auto reply = Ask(server.address(), "HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_NE(reply.find("\r\nContent-Length: 6\r\n"), reply.npos);
  EXPECT_TRUE(reply.ends_with("\r\n\r\n"));
  EXPECT_TRUE(Ask(server.address(), "HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 404"));
}

TEST(AdminServerTest, RefusesWhatItDoesNotServe) {
  const TestServer server(SomePages());
  const auto& address = server.address();
  const auto post = Ask(address, "POST /hello HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(post.starts_with("HTTP/1.1 405 ")) << post;
  EXPECT_NE(post.find("\r\nAllow: GET, HEAD\r\n"), post.npos);
  EXPECT_TRUE(Ask(address, "nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(Ask(address, "GET /" + std::string(20'000, 'x')).starts_with("HTTP/1.1 414 "));
  EXPECT_TRUE(Ask(address, "GET /throws HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 500 "));
  EXPECT_TRUE(Ask(address, "GET /throws-an-int HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 500 "));
  EXPECT_TRUE(Ask(address, kGetHello).starts_with("HTTP/1.1 200 "));
}

TEST(AdminServerTest, AClientThatSendsMoreThanIsReadIsNotReset) {
  const TestServer server(SomePages());
  const auto reply = Ask(server.address(), "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" +
                                               std::string(1'000'000, 'x'));
  EXPECT_TRUE(reply.ends_with("405 Method Not Allowed\n")) << reply;
}

TEST(AdminServerTest, HalfClosedAndPiecemealClientsAreAnswered) {
  const TestServer server(SomePages());
  const auto fd = Connect(server.address());
  for (const char c : kGetHello) Send(fd, std::string_view(&c, 1));
  ::shutdown(fd.get(), SHUT_WR);
  EXPECT_TRUE(ReadAll(fd).ends_with("hello\n"));
}

TEST(AdminServerTest, ABigPageGoesOutWholeAsTheClientReads) {
  const TestServer server(SomePages());
  const auto fd = Connect(server.address());
  Send(fd, "GET /big HTTP/1.0\r\n\r\n");
  EXPECT_EQ(HttpGet(server.address(), "/hello", 10s)->status, 200);
  const auto reply = ReadAll(fd);
  EXPECT_EQ(reply.size() - reply.find("\r\n\r\n") - 4, std::size_t{4} << 20);
}

TEST(AdminServerTest, FortyAtOnceAreAllAnswered) {
  const TestServer server(SomePages());
  std::vector<sys::UniqueFd> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(Connect(server.address()));
    Send(clients.back(), kGetHello);
  }
  for (auto& client : clients) {
    EXPECT_TRUE(ReadAll(client).ends_with("hello\n"));
    client.Reset();
  }
}

TEST(AdminServerTest, SilentClientsNeitherKeepOthersOutNorStay) {
  const TestServer server(SomePages());
  std::vector<sys::UniqueFd> silent;
  for (std::size_t i = 0; i < Server::kMaxConnections; ++i) {
    silent.push_back(Connect(server.address()));
    Send(silent.back(), "GET");
  }
  const auto page = HttpGet(server.address(), "/hello", 10s);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->body, "hello\n");
  for (const auto& client : silent) {
    const auto end = ReadAll(client);
    EXPECT_TRUE(end.empty() || end == "(error)");
    char byte;
    EXPECT_LE(::recv(client.get(), &byte, 1, MSG_DONTWAIT), 0);
  }
}

TEST(AdminServerTest, ResetsAreSurvived) {
  const TestServer server(SomePages());
  for (const std::string_view request :
       {std::string_view("GET"), kGetHello, std::string_view("GET /big HTTP/1.0\r\n\r\n")}) {
    for (int i = 0; i < 20; ++i) {
      const auto fd = Connect(server.address());
      Send(fd, request);
      sys::ResetConnection(fd.get());
    }
  }
  const auto page = HttpGet(server.address(), "/hello", 10s);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->status, 200);
}

TEST(AdminServerTest, WithoutDescriptorsItWaitsAndDoesNotSpin) {
  sys::EventLoop loop;
  const Server server(loop, sys::Listen("127.0.0.1:0"), SomePages());
  const auto client = Connect(server.address());
  Send(client, kGetHello);

  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const sys::UniqueFd lowest_free(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const rlimit none{static_cast<rlim_t>(lowest_free.get()), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_TRUE(loop.RunOnce(sys::Now() + 10 * sys::kSecond)) << "accept is tried";
  const bool tried_again_at_once = loop.RunOnce(0);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_FALSE(tried_again_at_once);
  EXPECT_EQ(server.connections(), 0u);

  const auto give_up = sys::Now() + 10 * sys::kSecond;
  pollfd answered{client.get(), POLLIN, 0};
  while (::poll(&answered, 1, 0) == 0 && sys::Now() < give_up) loop.RunOnce(give_up);
  EXPECT_TRUE(ReadAll(client).ends_with("hello\n"));
}

TEST(AdminServerTest, CurlAgrees) {
  if (std::system("command -v curl > /dev/null") != 0) GTEST_SKIP() << "no curl here";
  const TestServer server(SomePages());
  const std::string base = "curl -sS -m 10 -w ' %{http_code} %{size_download}' ";
  const auto run = [](const std::string& command) {
    std::string out;
    FILE* pipe = ::popen(command.c_str(), "r");
    for (int c; (c = std::fgetc(pipe)) != EOF;) out.push_back(static_cast<char>(c));
    EXPECT_EQ(::pclose(pipe), 0) << command;
    return out;
  };
  const std::string url = "http://" + server.address();
  EXPECT_EQ(run(base + url + "/hello"), "hello\n 200 6");
  EXPECT_EQ(run(base + "-o /dev/null -I " + url + "/hello"), " 200 0");
  EXPECT_EQ(run(base + "-o /dev/null --http1.0 " + url + "/big"), " 200 4194304");
  EXPECT_EQ(run(base + "-o /dev/null -d x=y " + url + "/hello"), " 405 23");
}

/// A server's pages that say which it is, and that it drains.
Server::Pages PagesOfLeaving(int number) {
  return {{"/who",
           [number] {
             return Page{200, "text/plain", std::to_string(number)};
           }},
          {"/readyz", [] {
             return Page{503, "text/plain", "not ready: draining\n", true};
           }}};
}

bool AllAnswersAreOf(int number, const std::string& address) {
  for (int i = 0; i < 30; ++i) {
    const auto page = HttpGet(address, "/who", 10s);
    if (!page || page->body != std::to_string(number)) return false;
  }
  return true;
}

TEST(AdminServerTest, EachSuccessorHasTheAddressWhileSeveralBeforeItDrain) {
  std::vector<std::unique_ptr<TestServer>> servers;
  servers.push_back(std::make_unique<TestServer>(PagesOfLeaving(0)));
  const std::string address = servers.front()->address();
  const auto soon = [&](int number) {
    for (const sys::Nanos deadline = sys::Now() + 20 * sys::kSecond; sys::Now() < deadline;) {
      if (AllAnswersAreOf(number, address)) return true;
    }
    return false;
  };
  for (int number = 1; number < 4; ++number) {
    ASSERT_TRUE(soon(number - 1));
    servers.push_back(std::make_unique<TestServer>(PagesOfLeaving(number), ListenBesideLeaving(address)));
    ASSERT_TRUE(soon(number)) << "of " << number << " that drain before it";
  }
  servers.front().reset();
  EXPECT_TRUE(AllAnswersAreOf(3, address)) << "and once the first has ended";
}

TEST(AdminServerTest, EachSuccessorHasThePathWhileSeveralBeforeItDrain) {
  const sys::ScratchDir scratch("hydrapool-test");
  const std::string address = "unix:" + (scratch / "admin");
  std::vector<std::unique_ptr<TestServer>> servers;
  for (int number = 0; number < 3; ++number) {
    servers.push_back(std::make_unique<TestServer>(PagesOfLeaving(number), ListenBesideLeaving(address)));
    EXPECT_TRUE(AllAnswersAreOf(number, address)) << "of " << number << " that drain before it";
  }
  servers.front().reset();
  EXPECT_TRUE(AllAnswersAreOf(2, address)) << "and once the first has ended";
  const TestServer stays(SomePages(), sys::Listen("unix:" + (scratch / "other")));
  EXPECT_THROW(ListenBesideLeaving(stays.address()), std::system_error) << "one that does not drain";
}

TEST(AdminServerTest, OnlyWhoListensAtTheVeryAddressIsBeside) {
  const auto one = sys::Listen("127.0.0.1:0");
  LetSuccessorListen(one.get());
  const std::string port = std::to_string(sys::LocalPort(one.get()));
  const auto other_host = sys::Listen("127.0.0.2:" + port, {.share_port = true});
  const auto client = Connect("127.0.0.1:" + port);
  EXPECT_FALSE(AnotherListensBeside(one.get()));
  EXPECT_FALSE(AnotherListensBeside(other_host.get()));
  auto successor = sys::Listen("127.0.0.1:" + port, {.share_port = true});
  EXPECT_TRUE(AnotherListensBeside(one.get()));
  EXPECT_TRUE(AnotherListensBeside(successor.get()));
  successor.Reset();
  EXPECT_FALSE(AnotherListensBeside(one.get()));
}

}  // namespace
}  // namespace hydrapool::admin
