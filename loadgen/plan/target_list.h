#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// Fills in a plan's targets, in all else as `like`, and the sum of their rates as its rate.
///
/// `urls` stand for themselves. Each of `targets` is a URL and, behind a space, its share:
///
///     http://h/a rate=100/s     an open loop with a schedule of its own
///     http://h/b weight=3       three turns for each of a URL without a weight
///
/// Either all have a rate or none has. Pure.
sys::Result<void> FillTargets(const std::vector<std::string>& urls, const std::vector<std::string>& targets,
                              const Target& like, Plan& plan);

/// What the plan's targets are called in reports and objectives: their names, or their URLs.
std::vector<std::string> TargetNames(const Plan& plan);

/// Where all of the names begin with one scheme and host, takes these away from them, so that they begin with
/// their paths: "http://host:80". Else empty. Pure.
std::string TakeCommonOrigin(std::vector<std::string>& names);

/// A weight that may be given: 1 to 10,000.
bool IsWeight(std::uint64_t weight);

}  // namespace hydrapool::loadgen
