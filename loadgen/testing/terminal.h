#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>

namespace hydrapool::loadgen {

/// For tests: a pseudo-terminal of 80 by 24 for a program's standard error.
class Terminal {
 public:
  Terminal() : fd_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    EXPECT_EQ(::grantpt(fd_) | ::unlockpt(fd_), 0);
    const winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
    EXPECT_EQ(::ioctl(fd_, TIOCSWINSZ, &size), 0);
    path_ = ::ptsname(fd_);
    slave_ =
        ::open(path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);  // so that nothing is lost at the program's end
  }
  ~Terminal() {
    ::close(slave_);
    ::close(fd_);
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// What was written to it, up to its buffer. The kernel hands it over behind the writer's back: it has come
  /// when nothing more comes.
  [[nodiscard]] std::string Read() const {
    std::string text;
    std::string piece(1 << 16, '\0');
    for (pollfd more{.fd = fd_, .events = POLLIN, .revents = 0}; ::poll(&more, 1, 500) > 0;) {
      const auto n = ::read(fd_, piece.data(), piece.size());
      if (n <= 0) break;
      text.append(piece, 0, static_cast<std::size_t>(n));
    }
    return text;
  }

 private:
  int fd_;
  int slave_ = -1;
  std::string path_;
};

}  // namespace hydrapool::loadgen
