#pragma once

#include <string>
#include <vector>

#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// What an OpenAPI description asks for.
struct OpenApiRequests {
  std::vector<Target> targets = {};
  std::vector<std::string> notes = {};  ///< What could not be made up, a line each.
};

/// A request for each operation of an OpenAPI 3 description (JSON or YAML), in its order. Parameters of
/// paths, and those of queries, headers and cookies that are required, have their example, default, first
/// enum value or a value of their type, written as their style asks for; a body has its example, or what its
/// schema's properties make, as JSON, as a form or in parts. URLs begin with the first server's, its
/// variables at their defaults; without one they are relative. `$ref` within the document is followed. Pure.
[[nodiscard]] sys::Result<OpenApiRequests> ParseOpenApi(const std::string& text);

}  // namespace hydrapool::loadgen
