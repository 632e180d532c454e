#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "pool/admin/server.h"
#include "pool/sys/socket.h"

namespace hydrapool::admin {

/// A Server, on a free port of 127.0.0.1 where no listener is given, whose loop runs in a thread of its own
/// as long as this lives. Tests only.
class TestServer {
 public:
  explicit TestServer(Server::Pages pages, sys::UniqueFd listener = sys::Listen("127.0.0.1:0"))
      : server_(loop_, std::move(listener), std::move(pages)), address_(server_.address()), thread_([this] {
          while (!stop_) loop_.RunOnce(sys::Now() + 10 * sys::kMillisecond);
        }) {}
  ~TestServer() {
    stop_ = true;
    thread_.join();
  }

  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  sys::EventLoop loop_;
  Server server_;
  std::string address_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

inline constexpr std::string_view kGetHello = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";

inline sys::UniqueFd Connect(const std::string& address) {
  return std::move(sys::Connect(address, std::chrono::seconds(10)).value());
}

inline void Send(const sys::UniqueFd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ASSERT_GT(sent, 0);
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

inline Server::Pages SomePages() {
  return {{"/hello",
           [] {
             return Page{200, "text/plain", "hello\n"};
           }},
          {"/big",
           [] {
             return Page{200, "text/plain", std::string(4 << 20, 'x')};
           }},
          {"/sick",
           [] {
             return Page{503, "text/plain", "sick\n"};
           }},
          {"/throws", []() -> Page { throw std::runtime_error("on purpose"); }},
          {"/throws-an-int", []() -> Page { throw 1; }}};
}

}  // namespace hydrapool::admin
