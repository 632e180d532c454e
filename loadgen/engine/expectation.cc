#include "loadgen/engine/expectation.h"

#include <algorithm>
#include <cerrno>

namespace hydrapool::loadgen {

bool IsExpected(const Plan& plan, int status) {
  return plan.expect.status.empty()
             ? status < 400
             : std::ranges::find(plan.expect.status, status) != plan.expect.status.end();
}

Outcome Judge(const Plan& plan, int status, std::uint64_t body_bytes, bool body_passed) {
  if (!IsExpected(plan, status)) return Outcome::kBadStatus;
  if (plan.expect.length && *plan.expect.length != body_bytes) return Outcome::kWrongBody;
  return body_passed ? Outcome::kOk : Outcome::kWrongBody;
}

Outcome ConnectFailure(int error_number) {
  switch (error_number) {
    case ECONNREFUSED:
      return Outcome::kRefused;
    case EADDRNOTAVAIL:
      return Outcome::kNoPorts;
    case EMFILE:
    case ENFILE:
      return Outcome::kNoDescriptors;
    case ETIMEDOUT:
      return Outcome::kTimeoutConnect;
    default:
      return Outcome::kUnreachable;
  }
}

}  // namespace hydrapool::loadgen
