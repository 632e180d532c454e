#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/fault/fault_schedule.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

/// The faults of a journal (inject_record.h) or of what --dry-run prints, to be done again at the same times,
/// or after as many requests, in their order. A fault hits the same slot, or parent or supervisor, where the
/// journal names one; else whom its target and its draw choose, which is the same worker of as many. Lines of
/// one fault for several workers without slots are one. An Error is "FILE:LINE: why". Pure.
[[nodiscard]] sys::Result<std::vector<PlannedFault>> FaultsIn(std::string_view journal,
                                                              const std::string& file);

}  // namespace hydrapool::harness
