#include "pool/sys/lifeline.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "pool/sys/error.h"

namespace hydrapool::sys {

Lifeline::Lifeline() {
  std::array<int, 2> ends;
  Check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  lower_.Reset(ends[0]);
  upper_.Reset(ends[1]);
}

void Lifeline::LetAnyUserTie() const { Check(::fchmod(lower_.get(), 0444), "fchmod"); }

std::string Lifeline::PathOfLower() const { return "/proc/self/fd/" + std::to_string(lower_.get()); }

// What runs in a CGI's process before its exec must not be watched by the sanitizers: see cgi/process.cc.
// Opened anew: the owner of the signal belongs to the open pipe, which all who inherit the descriptor share.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) int Lifeline::Tie(const char* path_of_lower,
                                                                                 pid_t whom) {
  const int line = ::open(path_of_lower, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (line < 0) return -1;
  ::fcntl(line, F_SETSIG, SIGKILL);
  ::fcntl(line, F_SETOWN, whom);
  ::fcntl(line, F_SETFL, O_NONBLOCK | O_ASYNC);
  pollfd state{line, 0, 0};
  if (::poll(&state, 1, 0) > 0 && (state.revents & POLLHUP) != 0) ::kill(::getpid(), SIGKILL);
  return line;
}

}  // namespace hydrapool::sys
