#include "harness/echo/echo_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "pool/sys/scratch_dir.h"
#include "pool/sys/socket.h"

namespace hydrapool::harness {
namespace {

std::string Whole(std::string_view body, int status = 200) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

std::string Echo(const std::string& id) { return Whole("hello " + id + "\n"); }

/// A server on the checker's own loop, which answers each id with whatever bytes `answer` gives, or resets on
/// "RESET".
class EchoServer {
 public:
  using Answer = std::function<std::string(const std::string& id)>;

  EchoServer(sys::EventLoop& loop, Answer answer, const std::string& address = "127.0.0.1:0")
      : loop_(loop), answer_(std::move(answer)) {
    listener_ = sys::Listen(address);
    watch_ = loop_.Add(listener_.get(), EPOLLIN, [this](std::uint32_t) { TakeConnections(); });
  }
  [[nodiscard]] std::string address() const { return sys::LocalAddress(listener_.get()); }
  bool heeds_close = true;
  bool closes_always = false;  ///< After each answer, and does not say so.

 private:
  struct Client {
    sys::UniqueFd fd;
    sys::EventLoop::Watch watch;
    std::string in;
    bool closing = false;
  };

  void TakeConnections() {
    for (auto accepted = sys::Accept(listener_.get()); accepted.fd; accepted = sys::Accept(listener_.get())) {
      const int fd = accepted.fd.get();
      auto& client = clients_[fd] = std::make_unique<Client>();
      client->fd = std::move(accepted.fd);
      client->watch = loop_.Add(fd, EPOLLIN, [this, fd](std::uint32_t) { Serve(fd); });
    }
  }

  void Serve(int fd) {
    Client& client = *clients_.at(fd);
    std::array<char, 4096> buffer;
    const auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) return Drop(fd);
    client.in.append(buffer.data(), static_cast<std::size_t>(got));
    std::size_t end;
    while ((end = client.in.find("\r\n\r\n")) != std::string::npos) {
      const std::string request = client.in.substr(0, end + 2);
      const auto length_at = request.find("Content-Length: ");
      const std::size_t length =
          length_at == std::string::npos ? 0 : std::stoul(request.substr(length_at + 16));
      if (client.in.size() < end + 4 + length) break;
      const std::string body = client.in.substr(end + 4, length);
      client.in.erase(0, end + 4 + length);
      if (request.starts_with("POST")) {
        Send(fd, answer_(body));
        continue;
      }
      const auto id = request.substr(request.find('?') + 1, request.find(" HTTP") - request.find('?') - 1);
      const std::string answer = answer_(id);
      if (answer == "RESET") sys::ResetConnection(fd);
      if (answer == "RESET") return Drop(fd);
      Send(fd, answer);
      if (closes_always) return Drop(fd);
      if (heeds_close && request.find("Connection: close\r\n") != std::string::npos) ::shutdown(fd, SHUT_WR);
    }
  }

  static void Send(int fd, const std::string& answer) {
    const auto sent = ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    EXPECT_TRUE(sent == static_cast<ssize_t>(answer.size()) || errno == ECONNRESET || errno == EPIPE);
  }

  void Drop(int fd) {
    clients_.at(fd)->watch.Reset();
    clients_.erase(fd);
  }

  sys::EventLoop& loop_;
  Answer answer_;
  sys::UniqueFd listener_;
  sys::EventLoop::Watch watch_;
  std::map<int, std::unique_ptr<Client>> clients_;
};

EchoResult Check(const EchoServer::Answer& answer, EchoOptions options = {},
                 sys::Nanos duration = 30 * sys::kMillisecond) {
  sys::EventLoop loop;
  const EchoServer server(loop, answer);
  EXPECT_TRUE(Resolve(server.address(), options.plan));
  options.connections = std::min<std::size_t>(options.connections, 8);
  options.duration = duration;
  options.answer_within = 100 * sys::kMillisecond;
  return EchoRun(loop, options).Run();
}

EchoOptions With(std::size_t pipeline, Ending ending, std::uint64_t requests) {
  EchoOptions options;
  options.plan.pipeline = pipeline;
  options.plan.ending = ending;
  options.plan.requests = requests;
  return options;
}

/// Does `odd` for every 50th id, and Echo for the rest.
EchoServer::Answer EachFiftieth(EchoServer::Answer odd) {
  return [odd = std::move(odd)](const std::string& id) {
    return std::stoull(id) % 50 == 0 ? odd(id) : Echo(id);
  };
}

TEST(EchoRunTest, AFaithfulServerIsExactHoweverConnectionsEnd) {
  for (const std::size_t pipeline : {1, 7}) {
    for (const Ending ending : {Ending::kNone, Ending::kHeader, Ending::kHalfClose, Ending::kOurClose}) {
      const auto result = Check(Echo, With(pipeline, ending, 3));
      EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
      EXPECT_GT(result.counts.ok, 0u);
      EXPECT_EQ(result.counts.ok, result.counts.sent);
      EXPECT_TRUE(ending == Ending::kNone || result.connections > 8);
    }
  }
}

TEST(EchoRunTest, AUnixSocketIsAskedToo) {
  const sys::ScratchDir scratch("echo-run-test");
  const std::string address = "unix:" + (scratch / "socket");
  sys::EventLoop loop;
  const EchoServer server(loop, Echo, address);
  EchoOptions options = With(7, Ending::kHeader, 3);
  ASSERT_TRUE(Resolve(address, options.plan));
  options.connections = 4;
  options.duration = 30 * sys::kMillisecond;
  const auto result = EchoRun(loop, options).Run();
  EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
  EXPECT_GT(result.counts.ok, 0u);
}

TEST(EchoRunTest, ASlowReaderGetsEverythingToo) {
  EchoOptions options = With(4, Ending::kNone, 0);
  options.plan.slow_reader = 20'000;
  const auto result = Check(Echo, options);
  EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
  EXPECT_GT(result.counts.ok, 0u);
}

TEST(EchoRunTest, PausesKeepTheRateDown) {
  EchoOptions options = With(1, Ending::kNone, 0);
  options.plan.pause = 10 * sys::kMillisecond;
  const auto result = Check(Echo, options);
  EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
  EXPECT_GE(result.counts.ok, 8u);
  EXPECT_LE(result.counts.ok, 8u * 4);
}

TEST(EchoRunTest, BurstsAreAnsweredWhole) {
  EchoOptions options = With(1, Ending::kHeader, 1);
  options.times = 5;
  const auto result = Check(Echo, options);
  EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
  EXPECT_EQ(result.counts.ok, 40u);
  EXPECT_EQ(result.unclosed, 0u);
}

TEST(EchoRunTest, ABurstThatIsNotAllAnsweredIsSeen) {
  EchoOptions options = With(1, Ending::kHeader, 1);
  options.times = 2;
  const auto result = Check([](const std::string& id) { return id == "3" ? "" : Echo(id); }, options);
  EXPECT_FALSE(result.counts.exact());
  EXPECT_EQ(result.counts.ok, 15u);
  EXPECT_EQ(result.counts.eof, 1u);
}

TEST(EchoRunTest, AServerThatAnswersTwiceIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string& id) { return Echo(id) + Echo(id); }));
  EXPECT_FALSE(result.counts.exact());
  EXPECT_GT(result.counts.duplicate, 0u);
  EXPECT_EQ(result.counts.lost(), 0u);
}

TEST(EchoRunTest, AServerThatDropsARequestIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string&) { return ""; }), {}, 2 * sys::kSecond);
  EXPECT_FALSE(result.counts.exact());
  EXPECT_EQ(result.counts.unanswered, 8u);
}

TEST(EchoRunTest, AServerThatDropsARequestOfAPipelineIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string&) { return ""; }), With(4, Ending::kNone, 0));
  EXPECT_FALSE(result.counts.exact());
  EXPECT_GT(result.counts.unanswered, 0u);
}

TEST(EchoRunTest, AServerThatSwapsBytesIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string& id) { return Whole("hello " + id + "1\n"); }));
  EXPECT_FALSE(result.counts.exact());
  EXPECT_GT(result.counts.wrong, 0u);
}

TEST(EchoRunTest, AServerThatGarblesABodyIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string& id) { return Whole("hullo " + id + "\n"); }));
  EXPECT_GT(result.counts.wrong, 0u);
}

TEST(EchoRunTest, AServerThatAnswersWithAnErrorIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string&) { return Whole("sorry\n", 502); }));
  EXPECT_GT(result.counts.refused_status, 0u);
  EXPECT_FALSE(result.counts.exact());
}

TEST(EchoRunTest, AServerThatCutsAnAnswerIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string& id) { return Echo(id).substr(0, 30); }),
                            With(1, Ending::kHeader, 50));
  EXPECT_GT(result.counts.lost() + result.counts.wrong, 0u);
}

TEST(EchoRunTest, AServerThatResetsIsSeen) {
  const auto result = Check(EachFiftieth([](const std::string&) { return "RESET"; }));
  EXPECT_GT(result.counts.reset, 0u);
}

EchoOptions WithBodies(std::vector<std::size_t> sizes) {
  EchoOptions options;
  options.plan.mix.body_sizes = std::move(sizes);
  options.plan.path = "/echo";
  options.plan.pipeline = 3;
  return options;
}

TEST(EchoRunTest, BodiesComeBackAsTheyWent) {
  const auto result =
      Check([](const std::string& body) { return Whole(body); }, WithBodies({0, 1, 2, 300, 3000}));
  EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
  EXPECT_GT(result.counts.ok, 0u);
  EXPECT_EQ(result.counts.ok, result.counts.sent);
}

TEST(EchoRunTest, ABodyWithOneByteChangedIsWrong) {
  const auto result = Check(
      [](std::string body) {
        body.back() = '?';
        return Whole(body);
      },
      WithBodies({1000}));
  EXPECT_GT(result.counts.wrong, 0u);
  EXPECT_EQ(result.counts.ok, 0u);
}

TEST(EchoRunTest, AByteAtATimeIsUnderstoodToo) {
  auto options = WithBodies({0, 5, 60});
  options.plan.mix.bytewise = 1;
  const auto result = Check([](const std::string& body) { return Whole(body); }, options);
  EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
  EXPECT_GT(result.counts.ok, 0u);
}

TEST(EchoRunTest, WhatTheClientResetsIsGivenUpAndNotLost) {
  EchoOptions options;
  options.plan.mix.reset_within = 300;
  const auto result = Check(Echo, options);
  EXPECT_TRUE(result.counts.exact()) << EchoText({}, result);
  EXPECT_GT(result.counts.given_up, 0u);
  EXPECT_GT(result.connections, 8u);
  EXPECT_EQ(result.counts.sent, result.counts.ok + result.counts.given_up);
}

TEST(EchoRunTest, FloodsRunBesideTheChecks) {
  EchoOptions options;
  options.floods = {FloodKind::kPipe, FloodKind::kPipe};
  const auto result = Check(Echo, options);
  EXPECT_GT(result.counts.ok, 0u);
  EXPECT_GE(result.flood.opened, 2u);
  EXPECT_GT(result.flood.sent, 0u);
}

/// Connections that are to rest, at a server that keeps none.
TEST(EchoRunTest, WhereTheServerKeepsNoConnectionsTheRestingAreNoStorm) {
  sys::EventLoop loop;
  EchoServer server(loop, Echo);
  server.closes_always = true;
  EchoOptions options;
  ASSERT_TRUE(Resolve(server.address(), options.plan));
  options.connections = 8;
  options.duration = 200 * sys::kMillisecond;
  options.answer_within = 100 * sys::kMillisecond;
  options.plan.pause = 3600 * sys::kSecond;
  options.plan.any_answer = true;
  options.spares = true;
  const auto result = EchoRun(loop, options).Run();
  EXPECT_GT(result.connections, 8u) << "they are tried again";
  EXPECT_LE(result.connections, 8u * 6) << "after 20, 40, 80, 160 ms";
  EXPECT_GE(result.unkept * 2, result.connections);
}

TEST(EchoRunTest, AServerThatEndsConnectionsAfterOneAnswerUnannouncedIsSeen) {
  sys::EventLoop loop;
  EchoServer server(loop, Echo);
  server.closes_always = true;
  EchoOptions options = With(2, Ending::kNone, 0);
  ASSERT_TRUE(Resolve(server.address(), options.plan));
  options.connections = 4;
  options.duration = 50 * sys::kMillisecond;
  options.answer_within = 50 * sys::kMillisecond;
  const auto result = EchoRun(loop, options).Run();
  EXPECT_GT(result.after_one * 2, result.connections);
}

TEST(EchoRunTest, AServerThatIsNotThereIsSeen) {
  EchoOptions options;
  options.connections = 2;
  options.duration = 30 * sys::kMillisecond;
  {
    const auto gone = sys::Listen("127.0.0.1:0");
    ASSERT_TRUE(Resolve(sys::LocalAddress(gone.get()), options.plan));
  }
  sys::EventLoop loop;
  const auto result = EchoRun(loop, options).Run();
  EXPECT_EQ(result.counts.sent, 0u);
  EXPECT_GE(result.counts.connect_failed, 2u);
}

TEST(ResolveTest, SaysWhatIsNoAddress) {
  EchoPlan plan;
  EXPECT_FALSE(Resolve("nowhere", plan));
  EXPECT_FALSE(Resolve("127.0.0.1:99999", plan));
}

}  // namespace
}  // namespace hydrapool::harness
