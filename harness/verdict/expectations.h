#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pool/sys/clock.h"
#include "pool/sys/error.h"

namespace hydrapool::harness {

/// What a run can be held against. Counts are "at most", times are "not longer than".
enum class Measure {
  kLost,            ///< Requests without any byte of an answer.
  kCut,             ///< Answers that ended before their own framing said so.
  kAbandoned,       ///< Whole answers of 500 and above.
  kUnexplained,     ///< Failed requests that no fault accounts for.
  kDuplicated,      ///< Answers beyond one, of requests with ids.
  kWrong,           ///< Another request's answer, of requests with ids.
  kIdleLost,        ///< Connections without a request in hand that the server ended.
  kUnreaped,        ///< Children that are dead at the end and that nobody has reaped.
  kExtraWorkers,    ///< Workers at the end beyond those at the start.
  kMissingWorkers,  ///< Workers at the start beyond those at the end.
  kLeaked,          ///< Descriptors of the main process at the end beyond those at the start.
  kExecutedTwice,   ///< Requests with ids whose server has noted more than one execution (its ledger).
  kCpuPerRequest,   ///< CPU time of the server's processes for each request that was answered well.
  kReapP99,         ///< From a worker's death until it is reaped.
  kReadyP99,        ///< From a worker's death until its replacement says that it is ready.
  kRecoveryP99,     ///< From a worker's death to the first answer of its replacement: that also waits until a
                    ///< client asks on one of the connections it was given.
  kResponseP99,     ///< Of each load, from when a request was due.
};

/// A time that had not come by the end of the run.
inline constexpr sys::Nanos kNever = std::numeric_limits<sys::Nanos>::max();

struct MeasureInfo {
  Measure measure;
  std::string_view name;  ///< As in a scenario: "recovery_p99".
  bool is_time;
  std::string_view words;  ///< "requests lost".
};
[[nodiscard]] const std::vector<MeasureInfo>& Measures();
[[nodiscard]] const MeasureInfo& InfoOf(Measure measure);

/// At most so many, or so long. What a scenario does not name is not judged, but for unexplained, duplicated,
/// wrong and unreaped: these are bugs wherever they come from, so 0 is expected of every run that does not
/// say otherwise.
using Expectations = std::map<Measure, std::int64_t>;
[[nodiscard]] Expectations DefaultExpectations();

/// "lost=0", "recovery_p99=50ms", as a command line has it.
[[nodiscard]] sys::Result<std::pair<Measure, std::int64_t>> ParseExpectation(const std::string& text);

}  // namespace hydrapool::harness
