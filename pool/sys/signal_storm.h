#pragma once

#include <signal.h>
#include <sys/time.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <utility>

namespace hydrapool::sys {

/// For tests: while it lives, the process handles SIGALRM a thousand times a second, and every system call
/// that a signal can interrupt is interrupted (no SA_RESTART). One at a time.
class SignalStorm {
 public:
  SignalStorm() : SignalStorm(-1, [] {}) {}
  /// `then` is called in the handler of signal number `after`, so it may do what is async-signal-safe.
  SignalStorm(int after, std::function<void()> then) {
    if (current_ != nullptr) std::abort();
    after_ = after;
    then_ = std::move(then);
    current_ = this;
    struct sigaction action {};
    action.sa_handler = [](int) {
      const int saved = errno;
      if (++current_->count_ == current_->after_) current_->then_();
      errno = saved;
    };
    ::sigaction(SIGALRM, &action, &before_);
    const itimerval every{{0, 1000}, {0, 1000}};
    ::setitimer(ITIMER_REAL, &every, nullptr);
  }
  ~SignalStorm() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGALRM, &before_, nullptr);
    current_ = nullptr;
  }
  SignalStorm(const SignalStorm&) = delete;
  SignalStorm& operator=(const SignalStorm&) = delete;

  [[nodiscard]] int count() const { return count_; }

 private:
  static inline SignalStorm* current_ = nullptr;
  struct sigaction before_ {};
  std::atomic<int> count_{0};
  int after_ = 0;
  std::function<void()> then_;
};

}  // namespace hydrapool::sys
