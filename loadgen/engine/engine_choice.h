#pragma once

#include <string>
#include <string_view>

#include "loadgen/engine/engine.h"
#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// An engine by its name.
struct EngineChoice {
  std::string name;  ///< "raw", "h2" or "curl"
  EngineFactory factory;
};

/// `wanted` is "raw", "h2", "curl" or "auto": raw where it can speak to all of the plan's URLs (plain http
/// without credentials, no chunked requests) and the plan has no extras, h2 where HTTP/2 is asked for and
/// nothing that only libcurl can do, else curl. An error where the wanted one cannot, and where a request's
/// own headers give it a framing that is not its body's, which no server could read. Pure.
sys::Result<EngineChoice> ChooseEngine(std::string_view wanted, const Plan& plan);

}  // namespace hydrapool::loadgen
