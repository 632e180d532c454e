#pragma once

#include <string>
#include <string_view>

#include "loadgen/engine/engine.h"
#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// An engine by its name.
struct EngineChoice {
  std::string name;  ///< "raw" or "curl"
  EngineFactory factory;
};

/// `wanted` is "raw", "curl" or "auto": raw where it can speak to all of the plan's URLs (plain http without
/// credentials, no chunked requests) and the plan has no extras, else curl. An error where raw is wanted and
/// cannot, and where a request's own headers give it a framing that is not its body's, which no server could
/// read. Pure.
sys::Result<EngineChoice> ChooseEngine(std::string_view wanted, const Plan& plan);

}  // namespace hydrapool::loadgen
