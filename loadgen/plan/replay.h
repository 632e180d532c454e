#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loadgen/plan/plan.h"
#include "loadgen/plan/replay_filter.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// The requests of a log, in the order of their times.
struct Replay {
  struct Request {
    sys::Nanos due = 0;        ///< Since the first.
    std::uint32_t target = 0;  ///< Which of the plan's.
  };
  std::vector<Request> requests = {};
  std::string left_out = {};  ///< What is not replayed, for people; empty: nothing.
  /// How many are due before that.
  [[nodiscard]] std::uint64_t DueBefore(sys::Nanos elapsed) const;
};

struct ReplayRules {
  double speed = 1;     ///< So many times as fast as it was.
  bool unsafe = false;  ///< Also what may change something: POST, DELETE and the like.
  ReplayFilter only = {};
};

/// Makes a plan of an access log (access_log.h) or an HTTP Archive (har_file.h): its targets, and an open
/// loop whose requests are due when they once came. Requests of a log whose times are all whole seconds are
/// spread evenly over theirs. `base` is where they go, with no more than their paths and queries; only an
/// archive may do without. What a log has of other hosts is left out. `headers` go with each request; but
/// for these, nothing in a request is replaced (text_template.h).
///
/// The error says which file and why. A path of "-" is standard input.
sys::Result<void> FillReplay(const std::string& path, const std::string& base,
                             const std::vector<std::string>& headers, const ReplayRules& rules, Plan& plan);

}  // namespace hydrapool::loadgen
