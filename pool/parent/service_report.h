#pragma once

#include <string>

#include "pool/shared/pool_life.h"
#include "pool/shared/scoreboard.h"
#include "pool/sys/clock.h"

namespace hydrapool {

/// What a parent tells the service manager (sys/service.h): READY=1 once it can serve, with the process that
/// is the service now, WATCHDOG=1 as long as its loop comes round, STOPPING=1 once it is told to end. That a
/// program is about to follow (RELOADING=1) is the supervisor's to say; the next parent's READY=1 ends it.
class ServiceReport {
 public:
  ServiceReport(const Scoreboard& scoreboard, const PoolLife& life) : scoreboard_(scoreboard), life_(life) {}

  /// Several times a second, and when a worker has become ready.
  void Look(sys::Nanos now);

  /// The main process is another one.
  void TellAgain() { ready_ = stopping_ = false; }

 private:
  void TellReady();

  const Scoreboard& scoreboard_;
  const PoolLife& life_;
  bool ready_ = false;     // it was told
  bool stopping_ = false;  // it was told
  sys::Nanos next_sign_ = 0;
};

}  // namespace hydrapool
