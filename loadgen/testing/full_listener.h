#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "pool/sys/unique_fd.h"

namespace hydrapool::loadgen {

/// For tests: a listener on loopback that never accepts and has no room for another connection, so that it
/// is silent as a dead host is. `port` 0: any.
class FullListener {
 public:
  explicit FullListener(const char* host = "127.0.0.1", int port = 0) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    EXPECT_EQ(::inet_pton(AF_INET, host, &address.sin_addr), 1);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), any, size), 0);
    EXPECT_EQ(::listen(listener_.get(), 0), 0);
    EXPECT_EQ(::getsockname(listener_.get(), any, &size), 0);
    for (int i = 0; i < 4; ++i) {
      fillers_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      ::connect(fillers_.back().get(), any, size);
    }
    url_ = std::string("http://") + host + ":" + std::to_string(ntohs(address.sin_port)) + "/";
  }
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  sys::UniqueFd listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::vector<sys::UniqueFd> fillers_;
  std::string url_;
};

}  // namespace hydrapool::loadgen
