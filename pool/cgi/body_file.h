#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pool/sys/unique_fd.h"

/// The files in which request bodies are made whole. Whoever writes knows the offset, so that a write can be
/// repeated.
namespace hydrapool::cgi {

/// A body is in memory while it is no larger than this, and then in a file.
inline constexpr std::uint64_t kMostInMemory = 1 << 20;

/// An anonymous file in memory (memfd_create(2)), close-on-exec; empty where the system refuses.
sys::UniqueFd MemoryFile();
/// An unlinked file in a directory (O_TMPFILE), close-on-exec; empty where the system refuses.
sys::UniqueFd DiskFile(const std::string& directory);

/// False: there is no room for all of it.
[[nodiscard]] bool WriteAt(int file, std::string_view bytes, std::uint64_t offset);
/// The first `size` bytes of one file into another.
[[nodiscard]] bool CopyBody(int from, int to, std::uint64_t size);

}  // namespace hydrapool::cgi
