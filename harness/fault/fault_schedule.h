#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "harness/fault/fault.h"
#include "harness/fault/trigger.h"
#include "pool/sys/clock.h"

namespace hydrapool::harness {

/// One fault that is to come: when, what, to whom. `draw` is the randomness that the choice of a target may
/// use, so that nothing is drawn while the faults run.
struct PlannedFault {
  std::uint64_t id = 0;  ///< 1, 2, 3, …
  sys::Nanos at = 0;     ///< Since the start of the run; 0 where it is due by a count.
  Fault fault = Fault::kKill;
  Target target = Target::kRandom;
  std::uint64_t draw = 0;
  std::optional<sys::Nanos> hold = {};         ///< How long it is held; nullopt: as all others of its run.
  std::optional<std::uint64_t> requests = {};  ///< Due when the server has executed so many more than first.
  std::optional<Phase> phase = {};             ///< Only a worker in this phase is hit.

  bool operator==(const PlannedFault&) const = default;
};

/// One line of JSON; equal faults give equal bytes.
[[nodiscard]] std::string ToJson(const PlannedFault& fault);

struct ScheduleSpec {
  Fault fault = Fault::kKill;
  Target target = Target::kRandom;
  sys::Nanos every = 250 * sys::kMillisecond;
  double jitter = 0;  ///< 0.5: each fault comes up to a quarter of `every` early or late.
  Trigger trigger = {};
  std::optional<std::uint64_t> count = {};  ///< How many faults at most; nullopt: no limit.
  std::optional<sys::Nanos> duration = {};  ///< No fault after this; nullopt: no limit.
  std::uint64_t seed = 1;

  [[nodiscard]] bool bounded() const { return count || duration; }
};

/// All faults of a run, from a seed and nothing else: the same ScheduleSpec gives the same faults, byte for
/// byte, on every machine (std::mt19937_64 is specified to the bit, and no std distribution is used; the
/// times of pace poisson, which take a logarithm, are whole microseconds).
///
///     FaultSchedule schedule({.every = 50 * sys::kMillisecond, .count = 200, .seed = 7});
///     while (auto fault = schedule.Next()) ...
///
/// Fault k is due at k × `every`, the first one period after the start, and is computed from k: a late fault
/// does not make the next one late. With pace poisson times between faults are exponential, of the mean
/// `every`, from the start on. Draws are the same whatever jitter and pace are. By requests the k-th is due
/// after k × `trigger.requests` of them, and `duration` is for its caller to heed. Pure: reads no clock and
/// does no I/O.
class FaultSchedule {
 public:
  explicit FaultSchedule(const ScheduleSpec& spec) : spec_(spec), random_(spec.seed) {}
  /// These, in the order of their times.
  explicit FaultSchedule(std::vector<PlannedFault> faults) : listed_(std::move(faults)) {}

  /// The next fault; nullopt when there are no more.
  [[nodiscard]] std::optional<PlannedFault> Next();

 private:
  ScheduleSpec spec_;
  std::mt19937_64 random_;
  std::optional<std::vector<PlannedFault>> listed_;
  std::uint64_t id_ = 0;
  sys::Nanos last_ = 0;  ///< With pace poisson.

  [[nodiscard]] sys::Nanos NextDue(double unit);
};

}  // namespace hydrapool::harness
