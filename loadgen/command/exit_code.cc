#include "loadgen/command/exit_code.h"

#include "loadgen/report/report.h"

namespace hydrapool::loadgen {

ExitCode CodeOf(const Report& report) {
  if (!report.aborted.empty()) return kAborted;
  if (!report.self.valid) return kInvalid;
  if (NothingAnswered(report)) return kNothing;
  return report.slos_met() ? kRan : kMissed;
}

}  // namespace hydrapool::loadgen
