#include "pool/sys/failpoint_gate.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {
namespace {

std::uint32_t Own() { return static_cast<std::uint32_t>(::getpid()); }

}  // namespace

void FailpointGate::Set(std::uint32_t value) {
  word = value;
  ::syscall(SYS_futex, &word, FUTEX_WAKE, std::numeric_limits<int>::max(), nullptr, nullptr, 0);
}

bool FailpointGate::CloseIfEmpty() {
  std::uint32_t expected = kOpen;
  return word.compare_exchange_strong(expected, kClosed) || expected == kClosed;
}

void FailpointGate::Free(pid_t pid) {
  auto expected = static_cast<std::uint32_t>(pid);
  word.compare_exchange_strong(expected, kOpen);
}

pid_t FailpointGate::inside() const {
  const std::uint32_t now = word;
  return now == kOpen ? 0 : static_cast<pid_t>(now);
}

bool FailpointGate::Enter() {
  std::uint32_t expected = kOpen;
  return word.compare_exchange_strong(expected, Own());
}

void FailpointGate::Wait() {
  while (word == Own()) ::syscall(SYS_futex, &word, FUTEX_WAIT, Own(), nullptr, nullptr, 0);
}

Result<FailpointGate*> MapFailpointGate(const char* path) {
  const UniqueFd file(::open(path, O_RDWR | O_CLOEXEC));
  if (!file) return Failure(errno, path);
  void* at = ::mmap(nullptr, sizeof(FailpointGate), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) return Failure(errno, path);
  return static_cast<FailpointGate*>(at);
}

}  // namespace hydrapool::sys
