#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pool/sys/error.h"

namespace hydrapool::harness {

inline constexpr std::uint64_t kLargestDisk = std::uint64_t{256} << 20;

/// A file system that is there to be filled.
///
/// Mounts a tmpfs of that size at `directory`, which is made, in a mount namespace of this process's own: it
/// and its children see it, and it is gone with the last of them. Before any thread is started. An Error says
/// what is missing.
[[nodiscard]] sys::Result<void> MountSmallDisk(const std::string& directory, std::uint64_t bytes);

/// Out of this process's sight; files that are open there stay so.
void UnmountSmallDisk(const std::string& directory);

/// Why the file system of `directory` is not filled: only one of 256 MB at most that is no other directory's
/// too, so that it cannot be the machine's own. nullopt: it may be.
[[nodiscard]] std::optional<std::string> WhyNoFilling(const std::string& directory);

/// Fills it by one file, which `token` tells from those of others; to be taken back by removing that.
[[nodiscard]] std::string PathOfFilling(const std::string& directory, const std::string& token);
[[nodiscard]] sys::Result<void> Fill(const std::string& directory, const std::string& token);
/// A file there cannot be written to.
[[nodiscard]] bool IsFull(const std::string& directory);

}  // namespace hydrapool::harness
