#pragma once

#include <unistd.h>

#include "pool/simulation/file.h"

namespace hydrapool::simulation {

/// A descriptor of the real system in the hands of simulated processes: a directory, /dev/null, a body in
/// memory. It is closed with the last of them, also where they died.
class RealFile final : public File {
 public:
  RealFile(int of, bool in_memory) : fd(of), memory(in_memory) {}
  ~RealFile() override { ::close(fd); }
  [[nodiscard]] std::uint32_t Ready() const override { return EPOLLIN | EPOLLOUT; }
  ssize_t Read(char* into, std::size_t size) override { return ::read(fd, into, size); }
  /// What the shipped code says to the real system's files (/proc) is not for them to hear.
  ssize_t Write(const char* bytes, std::size_t size) override {
    return memory ? ::write(fd, bytes, size) : static_cast<ssize_t>(size);
  }
  const int fd;
  const bool memory;
};

}  // namespace hydrapool::simulation
