#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pool/sys/unique_fd.h"

namespace hydrapool::loadgen {

/// For tests: a shop that knows its users. A thread for each connection.
///
///   POST /login    {"token": "tN"}, a cookie sid=sN and X-Id: N, for this connection alone
///   GET /page      a form with that token
///   GET /pay       200 where Authorization has the connection's token and Cookie its sid, else 403
class TokenServer {
 public:
  TokenServer() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), any, size), 0);
    EXPECT_EQ(::listen(listener_.get(), 64), 0);
    EXPECT_EQ(::getsockname(listener_.get(), any, &size), 0);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~TokenServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const auto& fd : open_) ::shutdown(fd.get(), SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
  }

  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] int received(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const auto found = received_.find(path);
    return found == received_.end() ? 0 : found->second;
  }
  [[nodiscard]] int refused() const { return refused_; }

 private:
  void Accept() {
    while (true) {
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex_);
      open_.emplace_back(fd);
      threads_.emplace_back([this, fd] { Serve(fd); });
    }
  }
  void Serve(int fd) {
    std::string bytes;
    std::string id;
    std::vector<char> buffer(4096);
    while (true) {
      const auto end = bytes.find("\r\n\r\n");
      const auto length = bytes.find("Content-Length: ");
      const auto body = length < end ? std::stoul(bytes.substr(length + 16)) : 0;
      if (end == bytes.npos || bytes.size() < end + 4 + body) {
        const auto n = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (n <= 0) return;
        bytes.append(buffer.data(), static_cast<std::size_t>(n));
        continue;
      }
      const auto answer = Answer(bytes.substr(0, end + 2), id);
      bytes.erase(0, end + 4 + body);
      ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }
  std::string Answer(const std::string& head, std::string& id) {
    const auto path = head.substr(0, head.find(' ', head.find(' ') + 1));
    {
      const std::lock_guard lock(mutex_);
      ++received_[path.substr(path.find(' ') + 1)];
    }
    if (path == "POST /login") {
      id = std::to_string(++issued_);
      return Whole("200 OK\r\nX-Id: " + id + "\r\nSet-Cookie: sid=s" + id + "; Path=/",
                   R"({"token": "t)" + id + "\"}");
    }
    if (path == "GET /page") return Whole("200 OK", "<input name=\"t\" value=\"t" + id + "\">");
    const bool known = !id.empty() && head.find("Authorization: Bearer t" + id + "\r\n") != head.npos &&
                       head.find("Cookie: sid=s" + id + "\r\n") != head.npos;
    refused_ += known ? 0 : 1;
    return known ? Whole("200 OK", R"({"paid": true})") : Whole("403 Forbidden", "who are you?");
  }
  static std::string Whole(const std::string& status, const std::string& body) {
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  sys::UniqueFd listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::string url_;
  mutable std::mutex mutex_;
  std::map<std::string, int> received_;
  std::vector<sys::UniqueFd> open_;
  std::vector<std::thread> threads_;
  std::atomic<int> issued_ = 0;
  std::atomic<int> refused_ = 0;
  std::thread acceptor_;
};

}  // namespace hydrapool::loadgen
