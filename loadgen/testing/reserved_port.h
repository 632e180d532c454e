#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "pool/sys/unique_fd.h"

namespace hydrapool::loadgen {

/// For tests: a loopback port for a server of the test's own. It is bound, not listened on, as long as this
/// lives, so that no other process is given it; a server that sets SO_REUSEADDR can have it.
class ReservedPort {
 public:
  ReservedPort() {
    const int on = 1;
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
    EXPECT_EQ(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
    text_ = std::to_string(ntohs(name.sin_port));
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  sys::UniqueFd fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::string text_;
};

}  // namespace hydrapool::loadgen
