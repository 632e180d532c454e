#include "pool/sys/own_memory.h"

#include <unistd.h>

#include <sstream>

#include "pool/sys/file.h"

namespace hydrapool::sys {

std::uint64_t OwnMemoryOf(pid_t pid) {
  std::istringstream pages(ReadFile("/proc/" + std::to_string(pid) + "/statm"));
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  std::uint64_t shared = 0;
  if (!(pages >> size >> resident >> shared) || shared > resident) return 0;
  return (resident - shared) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace hydrapool::sys
