#pragma once

#include <cstddef>
#include <string>

#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// A file, whole; "-" is standard input. The error is "cannot read PATH: REASON"; more than `most` bytes are
/// one, so that a file without an end is too.
[[nodiscard]] sys::Result<std::string> ReadWholeFile(const std::string& path,
                                                     std::size_t most = std::size_t{1} << 30);

/// The same of a file of text: without the byte order mark that some editors write before it. What gzip, zstd
/// or UTF-16 made of a text is an error that says so.
[[nodiscard]] sys::Result<std::string> ReadText(const std::string& path,
                                                std::size_t most = std::size_t{1} << 30);

}  // namespace hydrapool::loadgen
