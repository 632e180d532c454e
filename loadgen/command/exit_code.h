#pragma once

namespace hydrapool::loadgen {

struct Report;

/// How the program ends; part of its manual.
enum ExitCode {
  kRan = 0,      ///< compare: B is not worse than A
  kNothing = 1,  ///< not one request was answered, or an output failed; compare: B is worse
  kUsage = 2,    ///< also a file that cannot be read or written, said before the run
  kInvalid = 3,  ///< the generator's own fault: a schedule missed, or requests that never left this machine;
                 ///< compare: nothing can be said
  kAborted = 4,  ///< an --abort-on came true
  kMissed = 99,  ///< an --slo was missed; search: no rate meets it
  kInterruptedTwice = 130,
};

/// The verdict of a run whose report could be written: kRan exactly where no check of --junit and --summary
/// fails (report_summary.h). Pure.
[[nodiscard]] ExitCode CodeOf(const Report& report);

}  // namespace hydrapool::loadgen
