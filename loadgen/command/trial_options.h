#pragma once

#include "loadgen/command/output_options.h"
#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// A look at what a run would send, instead of a run.
struct Trial {
  bool once = false;  ///< One request is sent (once_command.h).
  int dry_run = 0;    ///< So many requests are shown and none is sent (dry_run.h); 0: it is no dry run.
};

/// The flags that ask for one.
void AddTrial(CLI::App& app, Trial& trial);
/// Whether more is asked for than that: neither leaves something to write and to judge, and one request is
/// one.
[[nodiscard]] sys::Result<void> FitsTrial(const Trial& trial, const Arrivals& arrivals,
                                          const Outputs& outputs);

}  // namespace hydrapool::loadgen
