#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/observe/run_record.h"
#include "harness/verdict/verdict.h"
#include "pool/admin/server.h"
#include "pool/sys/event_loop.h"

namespace hydrapool::harness {

/// Tells Prometheus of a run at http://HOST:PORT/metrics, from the run's own loop.
///
///     MetricsEndpoint endpoint(loop, "127.0.0.1:9190");
///     run.ReportFaults([&](const FaultRecord& fault) { endpoint.Count(fault); });
///     … the run …
///     endpoint.Tell(judgement);     // whoever has asked during the run learns the verdict
///
/// Throws std::system_error where nobody can listen there.
class MetricsEndpoint {
 public:
  MetricsEndpoint(sys::EventLoop& loop, const std::string& address);

  void Count(const FaultRecord& fault) { faults_.push_back(fault); }
  /// Blocks until somebody has asked once more, for at most 20 s; not where nobody has asked so far.
  void Tell(const Judgement& judgement);

 private:
  sys::EventLoop& loop_;
  std::vector<FaultRecord> faults_;
  const Judgement* judgement_ = nullptr;
  std::uint64_t asked_ = 0;
  admin::Server server_;
};

}  // namespace hydrapool::harness
