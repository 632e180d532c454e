#pragma once

#include <span>
#include <string>
#include <string_view>

#include "loadgen/report/report.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// Reads a JSON report back (report.h), with all its latencies: what ToJson made of it is made of it again.
/// Left behind are only the plan's body, headers and checks. The error says what is missing. Pure.
[[nodiscard]] sys::Result<Report> ReadReport(std::string_view json);

/// What several runs at the same time, or parts of one (--replica), were together: counts, latencies and
/// seconds are exactly those of one run of them all; its URLs are all of theirs, and an --until is told of
/// them all. It is valid if all are and no replica is missing. At least one report. Pure.
[[nodiscard]] Report MergeReports(std::span<const Report> reports, std::span<const Slo> slos);

/// Why they cannot be one run's, in words: a replica is there twice, or they are parts of different runs, by
/// their number or, but for `any_plan`, by their plans; empty: they can. Pure.
[[nodiscard]] std::string WrongParts(std::span<const Report> reports, bool any_plan = false);

}  // namespace hydrapool::loadgen
