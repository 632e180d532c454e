#pragma once

#include <memory>
#include <string>

#include "loadgen/engine/load_run.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// What a run is doing, for Prometheus:
///
///     auto metrics = RunMetrics::Listen("127.0.0.1:9181");
///     … each second …  (*metrics)->Update(run, run.progress());
///
///   loadgen_sent_total                              requests sent
///   loadgen_requests_total{outcome="ok|refused|…"}  ended, by outcome (outcome.h); each is there from the
///   start loadgen_in_flight loadgen_worker_requests_total{worker}           completed, by the worker that
///   answered loadgen_response_seconds, loadgen_service_seconds, loadgen_lag_seconds
///                                                   histograms from 10 µs to 10 s of what has been told so
///                                                   far; a value is in the bucket where the upper end of its
///                                                   HdrHistogram bucket is (at most 0.1 % above it)
///
///   loadgen_target_requests_total{target,result="ok|not_ok"}, loadgen_target_errors_total{target,outcome},
///   loadgen_target_response_seconds{target}         where there are several URLs, of each of the first
///                                                   TargetList::kMostTimed by its name; all others are told
///                                                   together as target="others", without latencies
///   loadgen_other_targets                           how many these are
///
/// Pages are up to a second old. A scrape that is under way when it is destroyed is cut. It is
/// prometheus-cpp's own server, not the pool's (pool/admin): that one parses HTTP with the pool's code, which
/// a client of the pool does not link.
class RunMetrics {
 public:
  virtual ~RunMetrics() = default;
  virtual void Update(const LoadRun& run, const Progress& progress) = 0;

  /// Serves /metrics until it is destroyed, with threads of its own that handle no signals. The error says
  /// what is wrong with the address.
  static sys::Result<std::unique_ptr<RunMetrics>> Listen(const std::string& host_port);
};

}  // namespace hydrapool::loadgen
