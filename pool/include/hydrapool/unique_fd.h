#pragma once

#include <utility>

namespace hydrapool {

/// Owns one file descriptor and closes it once.
///
///     UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
///     if (!fd) ...
///
/// `close` is never retried: Linux frees the number even on EINTR, so a retry could close a stranger's
/// descriptor (close(2), "Dealing with error returns"). Not for several threads at once.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }
  ~UniqueFd() { Reset(); }

  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  /// Gives the number away; the caller closes it.
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }
  void Reset(int fd = -1) {
    if (const int old = std::exchange(fd_, fd); old >= 0) Close(old);
  }

 private:
  static void Close(int fd);
  int fd_ = -1;
};

}  // namespace hydrapool
