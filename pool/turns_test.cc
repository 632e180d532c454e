// No connection may hold a worker: whatever a client sends or reads without end, the others are served beside
// it, by the same worker.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "pool/sys/socket.h"
#include "pool/testing/http_client.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

/// What a client sends first, and what it then repeats as fast as it is taken. It reads all that comes.
struct Kind {
  std::string name;
  std::string first;
  std::string again;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

std::string Repeated(const std::string& what, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += what;
  return text;
}

class Flood {
 public:
  Flood(const std::string& address, Kind kind)
      : kind_(std::move(kind)),
        fd_(std::move(sys::Connect(address, std::chrono::seconds(10)).value())),
        thread_([this] { Run(); }) {}
  ~Flood() {
    over_ = true;
    thread_.join();
  }
  Flood(const Flood&) = delete;
  Flood& operator=(const Flood&) = delete;

  /// Until it has moved so many more bytes; false: it stands still.
  [[nodiscard]] bool Moves(std::uint64_t bytes) const {
    const std::uint64_t goal = moved_ + bytes;
    return Eventually([&] { return moved_ >= goal; });
  }

 private:
  void Run() {
    std::vector<char> in(std::size_t{1} << 20);
    std::string out = kind_.first.empty() ? kind_.again : kind_.first;
    std::size_t at = 0;
    while (!over_) {
      const bool more = at < out.size();
      pollfd state{fd_.get(), static_cast<short>(POLLIN | (more ? POLLOUT : 0)), 0};
      ::poll(&state, 1, 100);
      if ((state.revents & POLLIN) != 0) {
        const ssize_t count = ::recv(fd_.get(), in.data(), in.size(), MSG_DONTWAIT);
        if (count == 0) return;
        if (count > 0) moved_ += static_cast<std::uint64_t>(count);
      }
      if ((state.revents & (POLLERR | POLLHUP)) != 0) return;
      if ((state.revents & POLLOUT) == 0) continue;
      const ssize_t count = ::send(fd_.get(), out.data() + at, out.size() - at, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count > 0) at += static_cast<std::size_t>(count);
      if (count > 0) moved_ += static_cast<std::uint64_t>(count);
      if (at == out.size() && !kind_.again.empty()) {
        out = kind_.again;
        at = 0;
      }
    }
  }

  const Kind kind_;
  sys::UniqueFd fd_;
  std::atomic<bool> over_{false};
  std::atomic<std::uint64_t> moved_{0};
  std::thread thread_;
};

std::vector<Kind> Kinds() {
  return {{"Pipelined", "", Repeated(Get("/"), 1 << 20)},
          {"OneByteChunks", "POST /cgi-bin/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
           Repeated("1\r\na\r\n", 1 << 20)},
          {"Download", "GET /cgi-bin/flood?bytes=90000000000&length=1 HTTP/1.1\r\nHost: x\r\n\r\n", ""},
          {"Upload", "POST /cgi-bin/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n",
           std::string(1 << 20, 'a')}};
}

class TurnsTest : public ::testing::TestWithParam<Kind> {};

TEST_P(TurnsTest, OthersAreServedBesideEightOfThem) {
  ServerProcess server({.workers = 1});
  std::vector<std::unique_ptr<Flood>> floods;
  for (int i = 0; i < 8; ++i) floods.push_back(std::make_unique<Flood>(server.address(), GetParam()));
  ASSERT_TRUE(floods.front()->Moves(100'000));
  HttpClient other(server.address());
  for (int i = 0; i < 20; ++i) {
    const auto answer = other.Ask(Get(fmt::format("/?{}", i)));
    ASSERT_TRUE(answer) << other.error();
    EXPECT_EQ(answer->body, fmt::format("hello {}\n", i));
  }
}

INSTANTIATE_TEST_SUITE_P(Each, TurnsTest, ::testing::ValuesIn(Kinds()),
                         [](const auto& each) { return each.param.name; });

TEST(TurnsTest, AWorkerThatIsToldToLeaveGivesAnEndlessPipelineToAnother) {
  ServerProcess server({.workers = 1});
  Flood flood(server.address(), Kinds().front());
  ASSERT_TRUE(flood.Moves(100'000));
  const pid_t worker = server.Workers().front();
  server.SignalWorker(worker, SIGTERM);
  EXPECT_TRUE(Eventually([&] { return !Alive(worker); }));
  EXPECT_TRUE(flood.Moves(100'000));
}

TEST(TurnsTest, AProgramThatHangsGetsItsAnswerInTimeBesideAnEndlessPipeline) {
  ServerProcess server({.workers = 1, .flags = {"--cgi-timeout", "1"}});
  Flood flood(server.address(), Kinds().front());
  ASSERT_TRUE(flood.Moves(100'000));
  HttpClient other(server.address());
  const auto answer = other.Ask(Get("/cgi-bin/hang"));
  ASSERT_TRUE(answer) << other.error();
  EXPECT_EQ(answer->status, 504);
}

}  // namespace
}  // namespace hydrapool::support
