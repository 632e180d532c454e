#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "harness/echo/echo_run.h"
#include "pool/sys/event_loop.h"
#include "pool/sys/socket.h"
#include "pool/sys/unique_fd.h"

/// A server for tests of the check with ids, which does right or wrong by each id, and runs of the check
/// against it.
namespace hydrapool::harness {

inline std::string Whole(std::string_view body, int status = 200) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

inline std::string Echo(const std::string& id) { return Whole("hello " + id + "\n"); }

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

inline EchoResult Check(const EchoServer::Answer& answer, EchoOptions options = {},
                        sys::Nanos duration = 300 * sys::kMillisecond) {
  sys::EventLoop loop;
  const EchoServer server(loop, answer);
  EXPECT_TRUE(Resolve(server.address(), options.plan));
  options.connections = std::min<std::size_t>(options.connections, 8);
  options.duration = duration;
  options.answer_within = 2 * sys::kSecond;
  return EchoRun(loop, options).Run();
}

inline EchoOptions With(std::size_t pipeline, Ending ending, std::uint64_t requests) {
  EchoOptions options;
  options.plan.pipeline = pipeline;
  options.plan.ending = ending;
  options.plan.requests = requests;
  return options;
}

/// Does `odd` for every 50th id, and Echo for the rest.
inline EchoServer::Answer EachFiftieth(EchoServer::Answer odd) {
  return [odd = std::move(odd)](const std::string& id) {
    return std::stoull(id) % 50 == 0 ? odd(id) : Echo(id);
  };
}

}  // namespace hydrapool::harness
