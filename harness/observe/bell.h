#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "pool/sys/error.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {

/// Wakes a thread that waits on fd() (poll(2), POLLIN). Any thread may ring; rings before the next Silence()
/// are one.
class Bell {
 public:
  Bell() : fd_(sys::Check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {}

  void Ring() const {
    const std::uint64_t one = 1;
    static_cast<void>(::write(fd_.get(), &one, sizeof one));
  }
  /// True: it had been rung.
  bool Silence() const {
    std::uint64_t rings = 0;
    return ::read(fd_.get(), &rings, sizeof rings) > 0;
  }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  sys::UniqueFd fd_;
};

}  // namespace hydrapool::harness
