#pragma once

#include <string>

#include "loadgen/plan/plan.h"

namespace hydrapool::loadgen {

/// The first `most` requests of a run, with the times at which they would be due, as `--dry-run` prints them:
///
///     0.002000 s  GET http://127.0.0.1:8080/?id=1
///                 X-Id: 1
///
/// In a closed loop each connection's first request is due at once; the rest are due when answers come, which
/// a dry run cannot know. Credentials are starred out; of a body the first 200 bytes are shown. Pure.
[[nodiscard]] std::string DryRunText(const Plan& plan, const std::string& engine, int most);

}  // namespace hydrapool::loadgen
