#pragma once

#include <string>
#include <vector>

#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// A request for each operation of an OpenAPI 3 description (JSON or YAML), in its order. Parameters of
/// paths, and those of queries and headers that are required, have their example, default, first enum value
/// or a value of their type; a body has its example, or what its schema's properties make. URLs begin with
/// the first server's; without one they are relative. `$ref` within the document is followed. Pure.
[[nodiscard]] sys::Result<std::vector<Target>> ParseOpenApi(const std::string& text);

}  // namespace hydrapool::loadgen
