#pragma once

#include <signal.h>

#include <array>

#include "pool/sys/unique_fd.h"

namespace hydrapool::loadgen {

/// SIGINT and SIGTERM, from the start of the load until its files are written: the first is noted, a second
/// one leaves at once with kInterruptedTwice. What was installed before is restored at the end. One at a time
/// in a process; any thread may get the signal.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  /// Readable from the first signal on; not to be read.
  [[nodiscard]] int fd() const { return event_.get(); }

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM};

  sys::UniqueFd event_;
  std::array<struct sigaction, kSignals.size()> before_ = {};
};

}  // namespace hydrapool::loadgen
