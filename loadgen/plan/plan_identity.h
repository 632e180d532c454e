#pragma once

#include <string>

#include "loadgen/plan/plan.h"

namespace hydrapool::loadgen {

/// What run a plan is of, as 16 hexadecimal digits: all replicas of one run have the same, so that parts of
/// different runs can be told from parts of one. In it are the URLs, when requests are due (the rate, the
/// stages, how long, how many, when it starts), how they travel and what is to come back.
///
/// Not in it: what each replica has of its own (connections, threads, where it connects from and through),
/// and, so that the digits tell nobody what is secret, credentials, the values of headers and what is in
/// bodies. So two runs that differ in these alone, or that follow each other without a time to start at, are
/// taken for one. It is FNV-1a, and no proof against forgers. Pure.
[[nodiscard]] std::string IdentityOf(const Plan& plan);

}  // namespace hydrapool::loadgen
