#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/engine/load_run.h"

namespace hydrapool::loadgen {

/// What is shown of a run that is going on. `before` and `now` are an interval apart.
struct LiveState {
  std::string title = {};  ///< What is loaded, and how.
  double elapsed_s = 0;
  double planned_s = 0;                ///< 0: until a number of requests is through.
  std::uint64_t planned_requests = 0;  ///< Where planned_s is 0; 0: not known.
  double interval_s = 1;
  Progress before = {};
  Progress now = {};
  double p50 = 0;  ///< µs, of all so far; 0, as below: fewer than ten lie beyond it
  double p99 = 0;
  std::int64_t max = 0;
  std::deque<double> p50s = {};  ///< µs, by the second, newest last
  std::deque<double> p99s = {};
};

/// "3 s: 2000/s, p50 520 µs, p99 2.31 ms; 6003 ok, 0 not ok, 2 failed, 12 in flight": one line, without its
/// end; rate and percentiles of the last interval, the rest since the start. Pure.
[[nodiscard]] std::string LiveLine(const LiveState& state);

struct ScreenSize {
  std::size_t rows = 24;
  std::size_t columns = 80;
};

/// A screen of at most rows - 1 lines of at most `columns` columns: progress, rate, latencies with the course
/// of p99, errors by kind, workers. `colour` marks errors red. Pure.
[[nodiscard]] std::vector<std::string> LiveScreen(const LiveState& state, ScreenSize size, bool colour);

}  // namespace hydrapool::loadgen
