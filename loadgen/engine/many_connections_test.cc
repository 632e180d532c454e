#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <thread>
#include <vector>

#include "loadgen/testing/run_plan.h"
#include "pool/sys/error.h"
#include "pool/sys/socket.h"
#include "pool/testing/network.h"

namespace hydrapool::loadgen {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kConnections = 5'000;
#else
constexpr int kConnections = 50'000;
#endif
constexpr rlim_t kOthers = 1000;
constexpr rlim_t kDescriptors = 2 * kConnections + kOthers;
constexpr int kBacklog = 4096;
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";

/// Answers once so many connections have a request, each of them; so all were there at the same time.
class Gathering {
 public:
  explicit Gathering(int connections)
      : connections_(connections),
        listener_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sys::Check(::listen(listener_.get(), kBacklog), "listen");
    sys::Check(::pipe2(stop_.data(), O_CLOEXEC), "pipe2");
    thread_ = std::thread([this] { Serve(); });
  }
  ~Gathering() {
    ::close(stop_[1]);
    thread_.join();
    ::close(stop_[0]);
  }
  [[nodiscard]] std::string Url() const {
    return "http://127.0.0.1:" + std::to_string(sys::LocalPort(listener_.get())) + "/";
  }

 private:
  void Serve() {
    const sys::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    Watch(epoll.get(), listener_.get());
    Watch(epoll.get(), stop_[0]);
    std::array<epoll_event, 256> events;
    while (true) {
      const int n = ::epoll_wait(epoll.get(), events.data(), events.size(), -1);
      for (int i = 0; i < n; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == stop_[0]) return;
        if (fd == listener_.get()) {
          Accept(epoll.get());
        } else {
          Receive(fd);
        }
      }
    }
  }
  static void Watch(int epoll, int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    sys::Check(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }
  void Accept(int epoll) {
    while (true) {
      sys::UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd) return;
      Watch(epoll, fd.get());
      accepted_.push_back(std::move(fd));
    }
  }
  void Receive(int fd) {
    std::array<char, 1024> request;
    if (::recv(fd, request.data(), request.size(), 0) <= 0) {
      ::shutdown(fd, SHUT_RDWR);
      return;
    }
    if (++waiting_ < connections_) return;
    for (const auto& each : accepted_)
      static_cast<void>(::send(each.get(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL));
  }

  const int connections_;
  sys::UniqueFd listener_;
  std::array<int, 2> stop_{};
  std::vector<sys::UniqueFd> accepted_;
  int waiting_ = 0;
  std::thread thread_;
};

/// So many, or half of the descriptors that others leave to this process: the server's ends are here too.
int MostConnections() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit enough{.rlim_cur = kDescriptors, .rlim_max = std::max(kDescriptors, limit.rlim_max)};
  if (::setrlimit(RLIMIT_NOFILE, &enough) == 0) return kConnections;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto ours = std::max(limit.rlim_max, kOthers) - kOthers;
  return std::min(kConnections, static_cast<int>(ours / 2));
}

TEST(ManyConnectionsTest, FiftyThousandAtOnceOnTwoThreads) {
  const support::Network network;
  if (!network.missing().empty()) GTEST_SKIP() << network.missing();
  const int connections = MostConnections();
  if (connections == 0) GTEST_SKIP() << "too few file descriptors";
  const auto count = static_cast<std::uint64_t>(connections);
  const support::Network::Inside inside(network.near());
  const Gathering server(connections);
  const auto result =
      RunPlan("raw", {.targets = {{.url = server.Url()}},
                      .arrivals = {.count = count},
                      .wire = {.timeout = 600 * sys::kSecond, .bind = {"127.0.0.2", "127.0.0.3"}},
                      .connections = connections,
                      .threads = 2});
  EXPECT_EQ(result.tally.outcomes.of(Outcome::kOk), count);
  EXPECT_EQ(result.tally.connections.opened, count);
  EXPECT_EQ(result.tally.outcomes.never_left(), 0u);
  RecordProperty("connections", connections);
}

}  // namespace
}  // namespace hydrapool::loadgen
