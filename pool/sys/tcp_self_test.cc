#include "pool/sys/tcp_self_test.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <string_view>

#include "pool/sys/socket.h"

namespace hydrapool::sys {
namespace {

constexpr int kPatience = 1000;  // milliseconds
constexpr std::string_view kTen = "0123456789";

void Require(bool holds, const char* otherwise) {
  if (!holds) throw std::runtime_error(otherwise);
}

bool Await(const std::function<bool()>& holds) {
  for (int i = 0; i < kPatience; ++i) {
    if (holds()) return true;
    ::poll(nullptr, 0, 1);
  }
  return false;
}

void SetOption(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

/// The kernel, but that before the second of two reads something happens.
class Interrupted : public TcpReads {
 public:
  explicit Interrupted(std::function<void()> event) : event_(std::move(event)) {}
  std::optional<TcpFacts> Facts(int fd) const override {
    Pass();
    return TcpReads::Facts(fd);
  }
  std::optional<std::uint64_t> Unacknowledged(int fd) const override {
    Pass();
    return TcpReads::Unacknowledged(fd);
  }

 private:
  void Pass() const {
    if (++reads_ == 2) event_();
  }
  std::function<void()> event_;
  mutable int reads_ = 0;
};

class SelfTest {
 public:
  explicit SelfTest(const TcpCounts& counts) : counts_(counts) {
    const UniqueFd listener = Listen("127.0.0.1:0");
    auto client = Connect(LocalAddress(listener.get()), std::chrono::milliseconds(kPatience));
    Require(client.has_value(), "no connection to myself over loopback");
    client_ = std::move(*client);
    pollfd waiting{listener.get(), POLLIN, 0};
    ::poll(&waiting, 1, kPatience);
    server_ = Accept(listener.get()).fd;
    Require(static_cast<bool>(server_), "no connection to myself over loopback");
  }

  void Run() {
    Require(Sent() && Consumed() && sent_ == 0 && *Sent() == 0 && *Consumed() == 0,
            "TCP_INFO does not count a new connection's bytes from 0");
    TrySending();
    TryLocalFailure();
    TryReceiving();
    TryEnding();
  }

 private:
  [[nodiscard]] int fd() const { return server_.get(); }
  [[nodiscard]] std::optional<std::uint64_t> Sent(const TcpReads& reads = Kernel()) const {
    return counts_.sent(fd(), reads);
  }
  [[nodiscard]] std::optional<std::uint64_t> Consumed() const { return counts_.consumed(fd(), Kernel()); }
  void Send(std::string_view bytes, int flags = 0) {
    const ssize_t count = ::send(fd(), bytes.data(), bytes.size(), flags | MSG_NOSIGNAL);
    Require(count == static_cast<ssize_t>(bytes.size()), "send to myself failed");
    sent_ += bytes.size();
  }
  void ClientTakesAll() {
    std::array<char, 4096> taken;
    Require(Await([&] {
              while (::recv(client_.get(), taken.data(), taken.size(), MSG_DONTWAIT) > 0) {
              }
              return Kernel().Unacknowledged(fd()) == 0u;
            }),
            "what I sent to myself was not acknowledged");
  }

  void TrySending() {
    Send(kTen, MSG_MORE);
    Require(Sent() == sent_, "TCP_INFO does not count bytes that wait to be sent");
    const Interrupted reads([this] {  // the bytes leave and are acknowledged
      SetOption(fd(), IPPROTO_TCP, TCP_NODELAY, 1);
      ClientTakesAll();
    });
    Require(Sent(reads) == sent_, "bytes that are acknowledged between two reads are not counted once");
    Send(kTen.substr(5));
    Require(Sent() == sent_, "TCP_INFO does not count the bytes that were sent");
  }

  // 192.0.2.1 (RFC 5737) with a loopback source: no route has that, so nothing leaves.
  void TryLocalFailure() {
    constexpr std::array<unsigned char, 8> nowhere{0x89, 7, 4, 192, 0, 2, 1, 0};
    if (::setsockopt(fd(), IPPROTO_IP, IP_OPTIONS, nowhere.data(), nowhere.size()) != 0) return;
    SetOption(fd(), IPPROTO_IP, IP_TOS, IPTOS_THROUGHPUT);  // a change has the route looked up again
    Send(kTen);
    const auto failing = Sent();
    ::setsockopt(fd(), IPPROTO_IP, IP_OPTIONS, nullptr, 0);
    SetOption(fd(), IPPROTO_IP, IP_TOS, 0);
    Require(failing == sent_, "bytes whose transmission failed locally are not counted once");
    Send(kTen);
    ClientTakesAll();
    Require(Sent() == sent_, "bytes that were sent at a second attempt are not counted once");
  }

  void TryReceiving() {
    Require(::send(client_.get(), kTen.data(), kTen.size(), MSG_NOSIGNAL) == 10, "send to myself failed");
    ::shutdown(client_.get(), SHUT_WR);
    pollfd readable{fd(), POLLRDHUP, 0};
    ::poll(&readable, 1, kPatience);
    Require(BytesWaiting(fd()) == 10 && Consumed() == 0u, "SIOCINQ does not count the bytes that wait");
    std::array<char, 16> peeked;
    Require(::recv(fd(), peeked.data(), peeked.size(), MSG_PEEK) == 10,
            "MSG_PEEK does not show the bytes that wait");
    Require(Discard(fd(), 4) && Consumed() == 4u, "MSG_TRUNC does not take bytes out of the socket");
    Require(Discard(fd(), 6) && Consumed() == 10u, "the peer's FIN is not counted as expected");
  }

  void TryEnding() {
    SetOption(fd(), SOL_SOCKET, SO_SNDBUF, 256 * 1024);  // more than a new window
    const std::string block(1000, 'x');
    ssize_t count;
    while ((count = ::send(fd(), block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
      sent_ += static_cast<std::uint64_t>(count);
    Require(Sent() == sent_, "bytes behind a full window are not counted");
    ::shutdown(fd(), SHUT_WR);
    const bool over = Kernel().Facts(fd())->state == TCP_CLOSE;  // where the window took all
    Require(over || Sent() == sent_, "our own FIN is counted as a byte while it waits to be sent");
    ClientTakesAll();
    Require(Await([this] { return Kernel().Facts(fd())->state == TCP_CLOSE; }), "my connection does not end");
    Require(Sent() == sent_ + 1, "our own FIN, acknowledged, is not counted as expected");
    Require(Consumed() == 10u, "the peer's FIN is not counted as expected after the end");
  }

  const TcpCounts& counts_;
  UniqueFd client_;
  UniqueFd server_;
  std::uint64_t sent_ = 0;
};

}  // namespace

std::string VerifyTcpCounters(const TcpCounts& counts) try {
  SelfTest(counts).Run();
  return "";
} catch (const std::exception& error) {
  return error.what();
}

}  // namespace hydrapool::sys
