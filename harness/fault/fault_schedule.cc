#include "harness/fault/fault_schedule.h"

#include <fmt/format.h>

#include <cmath>

#include "harness/fault/duration.h"

namespace hydrapool::harness {

std::string ToJson(const PlannedFault& fault) {
  std::string more;
  if (fault.hold) more += fmt::format(R"(,"hold_ms":{})", Millis(*fault.hold));
  if (fault.requests) more += fmt::format(R"(,"requests":{})", *fault.requests);
  if (fault.phase) more += fmt::format(R"(,"phase":"{}")", Name(*fault.phase));
  return fmt::format(R"({{"id":{},"at_ns":{},"fault":"{}","target":"{}","draw":{}{}}})", fault.id, fault.at,
                     Name(fault.fault), Name(fault.target), fault.draw, more);
}

sys::Nanos FaultSchedule::NextDue(double unit) {
  if (spec_.trigger.pace == Pace::kSteady) return static_cast<sys::Nanos>(id_) * spec_.every;
  const double gap = -std::log1p(-unit) * static_cast<double>(spec_.every);
  last_ += static_cast<sys::Nanos>(gap) / sys::kMicrosecond * sys::kMicrosecond;
  return last_;
}

std::optional<PlannedFault> FaultSchedule::Next() {
  if (listed_) return id_ < listed_->size() ? std::optional((*listed_)[id_++]) : std::nullopt;
  if (spec_.count && id_ >= *spec_.count) return std::nullopt;
  ++id_;
  const std::uint64_t draw = random_();
  const double unit = static_cast<double>(random_() >> 11) * 0x1p-53;
  PlannedFault fault{
      .id = id_, .fault = spec_.fault, .target = spec_.target, .draw = draw, .phase = spec_.trigger.phase};
  if (spec_.trigger.requests) {
    fault.requests = id_ * *spec_.trigger.requests;
    return fault;
  }
  fault.at = NextDue(unit);
  if (spec_.duration && fault.at > *spec_.duration) return std::nullopt;
  fault.at += static_cast<sys::Nanos>((unit - 0.5) * spec_.jitter * static_cast<double>(spec_.every));
  return fault;
}

}  // namespace hydrapool::harness
