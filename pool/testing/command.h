#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "pool/sys/child.h"
#include "pool/testing/scratch.h"

namespace hydrapool::support {

using Environment = std::vector<std::pair<std::string, std::string>>;

struct Finished {
  sys::ExitStatus status;
  bool in_time = true;  ///< false: it was killed at the deadline
  std::string output;   ///< stdout and stderr together
  [[nodiscard]] bool ok() const { return in_time && status.clean(); }
};

/// A program that runs beside the test; killed with this object if it has not ended. Throws std::system_error
/// where it cannot be started; a program that is not there ends with 127.
///
///     Command inject({HYDRAPOOL_BIN_DIR "/harness", "inject", ...});
///     ...
///     const Finished finished = inject.Wait(std::chrono::seconds(10));
class Command {
 public:
  explicit Command(std::vector<std::string> arguments, const Environment& environment = {});

  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  [[nodiscard]] bool Ended() const;
  void Signal(int signal) const { child_.Signal(signal); }
  /// Once.
  Finished Wait(std::chrono::milliseconds deadline);

 private:
  ScratchDir scratch_;
  sys::Child child_;
};

inline Finished RunProgram(std::vector<std::string> arguments, const Environment& environment = {},
                           std::chrono::milliseconds deadline = std::chrono::seconds(30)) {
  return Command(std::move(arguments), environment).Wait(deadline);
}

/// `harness` of the same build with these arguments.
std::vector<std::string> Harness(std::vector<std::string> arguments);

/// Waits for a pidfd, a socket or a pipe; false: not within the deadline.
bool Readable(int fd, std::chrono::milliseconds deadline);

}  // namespace hydrapool::support
