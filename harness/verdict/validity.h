#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/observe/run_record.h"
#include "harness/verdict/expectations.h"
#include "harness/verdict/oracle.h"

namespace hydrapool::harness {

/// Why a run proves nothing, whatever was measured in it: Verdict::kInvalid says what can be. Empty: it does
/// prove something. Pure.
[[nodiscard]] std::vector<std::string> WhyInvalid(const RunRecord& run, const Expectations& expected,
                                                  const std::map<Measure, std::int64_t>& measured,
                                                  const Attribution& attribution);

}  // namespace hydrapool::harness
