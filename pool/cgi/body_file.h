#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pool/sys/unique_fd.h"

namespace hydrapool::cgi {

/// An anonymous file in memory (memfd_create(2)), close-on-exec; empty where the system refuses.
sys::UniqueFd MemoryFile();

/// A body in the making: in memory as long as it is small, then in an unlinked file, so that the largest body
/// costs a worker kMostInMemory.
class BodyFile {
 public:
  static constexpr std::uint64_t kMostInMemory = 1 << 20;

  /// `directory`: where the file is made. Errors come with Append.
  explicit BodyFile(std::string directory);

  /// False: there is no room for it.
  [[nodiscard]] bool Append(std::string_view bytes);
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// The file, at its end; the body is then its.
  [[nodiscard]] sys::UniqueFd Take() { return std::move(file_); }

 private:
  [[nodiscard]] bool MoveToDisk();
  [[nodiscard]] bool Write(std::string_view bytes) const;

  std::string directory_;
  sys::UniqueFd file_;
  std::uint64_t size_ = 0;
  bool on_disk_ = false;
};

}  // namespace hydrapool::cgi
