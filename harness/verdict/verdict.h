#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/observe/run_record.h"
#include "harness/verdict/expectations.h"
#include "harness/verdict/oracle.h"

namespace hydrapool::harness {

enum class Verdict {
  kPass,     ///< Exit code 0.
  kFail,     ///< 1: something that must hold did not.
  kInvalid,  ///< 3: nothing was exercised, or the figures are not to be trusted.
  kAborted,  ///< 4: interrupted, or called off because the server no longer served.
};
[[nodiscard]] std::string_view Name(Verdict verdict);
[[nodiscard]] int ExitCodeOf(Verdict verdict);

struct Judgement {
  Verdict verdict = Verdict::kPass;
  std::vector<std::string> reasons = {};          ///< In words; none for PASS.
  std::map<Measure, std::int64_t> measured = {};  ///< What could be measured.
  Attribution attribution = {};
};

/// Holds a run against what was expected. Pure.
///
/// INVALID: faults were planned and none landed, none of one line, or none while a request was in flight; no
/// request was sent, or more than a tenth of a load never; a load generator fell behind by its own fault;
/// more failed than could be looked into; idle connections are judged and the server keeps none, or has not
/// answered each once; anything else that is judged could not be measured. That a request was in flight is
/// known from the pool's own account
/// (/status.json just before the signal, /metrics at the end) or from what was lost; for a server without
/// these, and for faults of the parent, the supervisor or the whole server, it is estimated: faults ×
/// requests a second × mean service time, at least 1.
///
/// Nor is a time proved that is exceeded by no more than the machine stood still before it (Standstill): then
/// the run is INVALID too. A fault explains what failed as much later as the machine stood still in between.
///
/// FAIL is stronger than INVALID where a count was exceeded: what is lost is lost. A time that was exceeded
/// in a run that is INVALID proves nothing. ABORTED is stronger than both.
[[nodiscard]] Judgement Judge(const RunRecord& run, const Expectations& expected);

/// "3", "102 ms"; "never" of a time that had not come.
[[nodiscard]] std::string ValueText(Measure measure, std::int64_t value);

/// From death to an event of the replacement's life, of faults that landed while the loads ran; nullopt where
/// it had not come by the end of the loads though nothing hindered it. Superseded and unobservable ones are
/// left out.
[[nodiscard]] std::vector<std::optional<sys::Nanos>> DelaysOf(const RunRecord& run,
                                                              std::optional<sys::Nanos> Timeline::*event);

/// From death to being gone from /proc.
[[nodiscard]] std::vector<sys::Nanos> ReapsOf(const RunRecord& run);

}  // namespace hydrapool::harness
