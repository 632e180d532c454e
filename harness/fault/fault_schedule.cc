#include "harness/fault/fault_schedule.h"

#include <fmt/format.h>

namespace hydrapool::harness {

std::string ToJson(const PlannedFault& fault) {
  return fmt::format(R"({{"id":{},"at_ns":{},"fault":"{}","target":"{}","draw":{}}})", fault.id, fault.at,
                     Name(fault.fault), Name(fault.target), fault.draw);
}

std::optional<PlannedFault> FaultSchedule::Next() {
  if (listed_) return id_ < listed_->size() ? std::optional((*listed_)[id_++]) : std::nullopt;
  if (spec_.count && id_ >= *spec_.count) return std::nullopt;
  ++id_;
  const std::uint64_t draw = random_();
  const double unit = static_cast<double>(random_() >> 11) * 0x1p-53;
  const auto shift = static_cast<sys::Nanos>((unit - 0.5) * spec_.jitter * static_cast<double>(spec_.every));
  const sys::Nanos due = static_cast<sys::Nanos>(id_) * spec_.every;
  if (spec_.duration && due > *spec_.duration) return std::nullopt;
  return PlannedFault{
      .id = id_, .at = due + shift, .fault = spec_.fault, .target = spec_.target, .draw = draw};
}

}  // namespace hydrapool::harness
