#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// What curl commands ask for.
struct CurlLines {
  std::vector<Target> targets = {};
  std::vector<std::string> notes =
      {};  ///< What belongs to loadgen's own command line: "-k: give it to loadgen".
};

/// Reads one or more curl commands (shell_words.h), as people type them and as browsers' "copy as cURL"
/// writes them. Known are the options that say what a request is; such as only say what curl prints are
/// passed over; others are an error, and so is a URL of which curl makes several ({a,b}, [1-3]). Files (-d
/// @FILE) are read.
[[nodiscard]] sys::Result<CurlLines> ParseCurlLines(std::string_view text);

}  // namespace hydrapool::loadgen
