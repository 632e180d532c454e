#pragma once

namespace hydrapool::loadgen {

/// How the program ends; part of its manual.
enum ExitCode {
  kRan = 0,      ///< compare: B is not worse than A
  kNothing = 1,  ///< not one request reached a server, or an output failed; compare: B is worse
  kUsage = 2,    ///< also a file that cannot be read or written, said before the run
  kInvalid = 3,  ///< the generator's own fault: a schedule missed, or requests that never left this machine;
                 ///< compare: nothing can be said
  kAborted = 4,  ///< an --abort-on came true
  kMissed = 99,  ///< an --slo was missed; search: no rate meets it
  kInterruptedTwice = 130,
};

}  // namespace hydrapool::loadgen
