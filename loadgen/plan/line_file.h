#pragma once

#include <string>
#include <string_view>

#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// Where a line of a file is to stand, which decides what may be in it.
enum class Place {
  kUrl,     ///< Neither blanks nor control characters, nor a "#": a request has no fragment.
  kUser,    ///< Neither blanks nor control characters.
  kHeader,  ///< No control characters but tabs.
  kBody,    ///< Anything.
};

/// The lines of a file without their ends (LF or CRLF). A file without lines is an error. "-" is standard
/// input.
sys::Result<Lines> ReadLines(const std::string& path);

/// Reads the files that "{line:FILE}" in `text` names and that `files` does not have yet. None of
/// their lines may be empty. Errors name the file and the line.
sys::Result<void> LoadLines(std::string_view text, Place place, LineFiles& files);

}  // namespace hydrapool::loadgen
