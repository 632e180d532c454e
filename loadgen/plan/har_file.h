#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// A request that a browser made.
struct HarEntry {
  sys::Nanos time = 0;     ///< Since the epoch.
  int status = 0;          ///< What was answered; 0 where it does not say.
  Target target = {};      ///< Without the headers that the engines make (Host, Content-Length, Connection).
  std::string lacks = {};  ///< Why its body is not known, where that is so.
};

struct HarFile {
  std::vector<HarEntry> entries = {};
  std::size_t others = 0;  ///< What is no http request (data:, ws:) and is left out.
};

/// Whether the text is an HTTP Archive rather than something else. Pure.
[[nodiscard]] bool LooksLikeHar(std::string_view text);

/// Reads an HTTP Archive (HAR 1.2) as browsers save it. Bodies are sent as they are, decoded of base64.
/// Pure.
[[nodiscard]] sys::Result<HarFile> ParseHar(std::string_view text);

}  // namespace hydrapool::loadgen
