#pragma once

#include <cstdint>

#include "loadgen/plan/plan.h"
#include "loadgen/stats/outcome.h"

namespace hydrapool::loadgen {

/// Whether `plan` expects responses of that status.
bool IsExpected(const Plan& plan, int status);

/// The outcome of a whole response, whatever engine received it: bad_status where the status is not one that
/// `plan` expects (without an expectation: 400 or above), wrong_body where the decoded body does not have the
/// length it expects or has not passed the check of its bytes (body_check.h), else ok. Pure.
Outcome Judge(const Plan& plan, int status, std::uint64_t body_bytes, bool body_passed = true);

/// The outcome of a connection that could not be made, by the errno of socket(2) or connect(2). Pure.
Outcome ConnectFailure(int error_number);

}  // namespace hydrapool::loadgen
